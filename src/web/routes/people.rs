//! Management: who manages, and who is signed in.

use super::line::{Line, Open, Recognised, lines};
use crate::web::extract::operator::{ManageUsers, ViewUsers};
use crate::web::manage::list::{List, ListQuery};
use crate::web::manage::session::{Again, Credentials, SignedInView};
use crate::web::manage::sessions::{EndedView, SessionView, SessionsQuery};
use crate::web::manage::users::{ChangedUser, NewPassword, NewUser, PasswordSetView, UserView};
use crate::web::manage::{session, sessions, users};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/session" Recognised session::show, "Shows who one is",
            gives(200 SignedInView);
        POST "/api/session" Open session::create, "Signs in",
            takes(Credentials) gives(200 SignedInView);
        DELETE "/api/session" Recognised session::end, "Signs out",
            gives(204);
        POST "/api/session/password" Recognised session::confirm, "Confirms one's session, or changes one's password",
            takes(Again) gives(200 SignedInView);
        GET "/api/sessions" Recognised sessions::list, "Lists sessions: one's own, or with can_manage_sessions all",
            asks(SessionsQuery) gives(200 List<SessionView>);
        DELETE "/api/sessions" Recognised sessions::end_all, "Ends the sessions of one person",
            asks(SessionsQuery) gives(200 EndedView);
        DELETE "/api/sessions/{id}" Recognised sessions::end, "Ends a session",
            gives(200 EndedView);
        GET "/api/users" ViewUsers users::list, "Lists accounts",
            asks(ListQuery) gives(200 List<UserView>);
        POST "/api/users" ManageUsers users::create, "Makes an account",
            takes(NewUser) gives(201 UserView) tagged(Shown);
        GET "/api/users/{id}" ViewUsers users::show, "Shows an account",
            gives(200 UserView) tagged(Shown);
        PATCH "/api/users/{id}" ManageUsers users::change, "Changes an account",
            takes(ChangedUser) gives(200 UserView) tagged(Compared);
        DELETE "/api/users/{id}" ManageUsers users::delete, "Removes an account",
            gives(204) tagged(Compared);
        POST "/api/users/{id}/password" ManageUsers users::set_password, "Gives an account another password",
            takes(NewPassword) gives(200 PasswordSetView);
        POST "/api/users/{id}/unlock" ManageUsers users::unlock, "Forgives an account every wrong guess",
            gives(200 UserView) tagged(Shown);
    }
}
