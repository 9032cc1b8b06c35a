//! What operators see in a browser.

use super::line::{Line, Open, lines};
use crate::web::dashboard::{assets, overview, sign_in};
use crate::web::extract::operator::ReadUsage;

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/" ReadUsage overview::show, "Shows money, providers, actors and the last calls";
        GET "/sign-in" Open sign_in::show, "Shows the form to sign in";
        POST "/sign-in" Open sign_in::enter, "Signs in";
        POST "/sign-out" Open sign_in::leave, "Signs out";
        GET "/static/{version}/{name:.+}" Open assets::show, "Gives a file of the pages";
    }
}
