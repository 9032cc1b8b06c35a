//! What applications call.

use super::line::{Key, Line, lines};
use crate::web::data::key::OwnKey;
use crate::web::data::{chat_completions, gemini, key, messages, models, plain, responses};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        POST "/v1/chat/completions" Key chat_completions::create, "Answers a conversation in OpenAI's form";
        POST "/v1/completions" Key plain::call, "Completes a text";
        POST "/v1/embeddings" Key plain::call, "Embeds texts";
        POST "/v1/moderations" Key plain::call, "Judges a text";
        POST "/v1/images/generations" Key plain::call, "Draws images";
        POST "/v1/audio/transcriptions" Key plain::transcribe, "Writes down what is said";
        POST "/v1/audio/speech" Key plain::call, "Speaks a text";
        POST "/v1/rerank" Key plain::call, "Sorts documents by a question";
        POST "/v1/responses" Key responses::create, "Answers in the form of OpenAI's Responses";
        POST "/v1/messages" Key messages::create, "Answers in Anthropic's form";
        POST "/v1/messages/count_tokens" Key messages::count_tokens, "Counts the tokens of a message that is not sent";
        GET "/v1/models" Key models::list, "Lists the models the key may use";
        GET "/v1/models/{call:.+}" Key models::show, "Shows a model";
        POST "/v1/models/{call:.+}" Key gemini::call, "Answers in Gemini's form";
        GET "/v1/key" Key key::show, "Shows what the key may do and has left",
            gives(200 OwnKey);
        GET "/v1beta/models" Key models::list_gemini, "Lists the models the key may use, in Gemini's form";
        GET "/v1beta/models/{call:.+}" Key models::show_gemini, "Shows a model in Gemini's form";
        POST "/v1beta/models/{call:.+}" Key gemini::call, "Answers in Gemini's form";
    }
}
