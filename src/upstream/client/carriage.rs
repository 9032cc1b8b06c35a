//! How a provider carries the dialects it speaks: as they are, or in an envelope of its own.
//! Owns which body and which headers of a request go there. Refuses addresses and keys, which are `access`'s.

use bytes::Bytes;
use farthing_actors::domain::Dialect;

use crate::dialect::anthropic::vertex::enclose;
use crate::dialect::bedrock;
use crate::dialect::gemini::vertex::without_ids;
use crate::upstream::kinds::vertex::Site;
use crate::upstream::request::UpstreamRequest;

pub(super) enum Carriage {
    /// As the dialect has it.
    Plain,
    /// Amazon Bedrock.
    Bedrock,
    /// Google Vertex AI.
    Vertex(Site),
}

impl Carriage {
    /// The body as it is taken there, with what other providers take as a header.
    pub(super) fn body(&self, request: &UpstreamRequest<'_>) -> Bytes {
        match (self, request.dialect) {
            (Self::Bedrock, _) => {
                let betas = request.headers.iter().find(|(name, _)| *name == "anthropic-beta");
                bedrock::enclose(&request.body, betas.map(|(_, betas)| betas.as_str()))
            }
            (Self::Vertex(_), Dialect::Anthropic) => enclose(&request.body),
            (Self::Vertex(_), Dialect::Gemini) => without_ids(&request.body),
            (Self::Plain | Self::Vertex(_), _) => request.body.clone(),
        }
    }

    /// Whether a header of the dialect goes there as one.
    pub(super) fn carries(&self, name: &str) -> bool {
        match self {
            Self::Plain => true,
            Self::Bedrock => false,
            Self::Vertex(_) => name != "anthropic-version",
        }
    }

    /// Whether streams come in an envelope.
    pub(super) fn encloses_streams(&self) -> bool {
        matches!(self, Self::Bedrock)
    }
}
