//! Explaining routes: where a request would go that nobody has sent. Owns who asks (a key, a project, or nobody) and what is
//! assumed of the request. The choice is the same code that serves calls; nothing is sent, held or written down.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use farthing_actors::breakers::{Breakers, Verdict};
use farthing_actors::domain::{Budget, DeploymentId, KeyId, Patterns, ProjectId, Usage};
use farthing_actors::registry::catalogue::{Candidate, Provider};
use farthing_actors::registry::classifier::{Classifier, Rated};
use farthing_actors::registry::group::{Group, Target};
use farthing_actors::registry::routing::{Route, Situation, Why};

use super::PriceLists;
use super::passage::passage;
use super::{Admin, AdminError};

/// Generated tokens where neither a request nor a model caps them, as the relay assumes.
const OUTPUT: u64 = 4_096;

/// A request that nobody has sent.
#[derive(Debug, Clone, Default)]
pub struct Hypothesis {
    /// The model it names.
    pub model: String,
    /// Whose key, if it matters.
    pub asker: Asker,
    /// Tokens of its prompt; a quarter of the bytes of `text` if absent.
    pub input_tokens: Option<u64>,
    /// Its cap on generated tokens.
    pub output_tokens: Option<u64>,
    /// Whether it has pictures.
    pub images: bool,
    /// Whether it offers tools.
    pub tools: bool,
    /// Whether it is streamed.
    pub stream: bool,
    /// Its tags.
    pub tags: Vec<String>,
    /// What is said in it; also what makes it a conversation of its own.
    pub text: String,
}

/// Who would send it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asker {
    /// Somebody without budget who may use every model.
    #[default]
    Anybody,
    /// A key of this project.
    Project(ProjectId),
    /// This key.
    Key(KeyId),
}

/// Where it would go.
#[derive(Debug, Clone, Default)]
pub struct Explanation {
    /// The candidates in order, and the decisions that made it. Those that were left out are among the decisions.
    pub route: Route,
    /// Why it would go nowhere.
    pub refused: Option<String>,
    /// What is assumed of it, to compare prices by.
    pub expected: Usage,
    /// The classifier that would be asked, and what each of its ratings would choose; the route is that without a rating.
    pub survey: Option<Survey>,
}

/// What a group's classifier would decide.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The group.
    pub group: Arc<Group>,
    /// Who would be asked.
    pub classifier: Classifier,
    /// For each target, the ratings that choose it, and where the request would be tried first then.
    pub choices: Vec<(Target, RangeInclusive<u32>, Option<Candidate>)>,
}

/// What routing sees of it.
struct Supposed<'a> {
    hypothesis: &'a Hypothesis,
    breakers: &'a Breakers,
    lists: &'a PriceLists,
    text: String,
    /// What a classifier is supposed to have said.
    rating: Option<u32>,
}

impl Admin {
    /// Where a request would go now.
    ///
    /// # Errors
    /// If there is no such key or project.
    pub fn explain(
        &self,
        hypothesis: &Hypothesis,
        breakers: &Breakers,
        patterns: &Patterns,
    ) -> Result<Explanation, AdminError> {
        let (admitted, budgeted) = self.standing(hypothesis)?;
        let supposed = Supposed {
            hypothesis,
            breakers,
            lists: self.price_lists(),
            text: hypothesis.text.to_lowercase(),
            rating: None,
        };
        let expected = supposed.expected();
        let refused = |why: String| Explanation { refused: Some(why), expected, ..Explanation::default() };
        if !admitted {
            return Ok(refused("this key or project may not use the model".to_owned()));
        }
        let mut route = match self.catalogue().route(patterns, &hypothesis.model, &supposed) {
            Ok(route) => route,
            Err(error) => return Ok(refused(error.to_string())),
        };
        leave_out(&mut route, budgeted, breakers);
        let nobody = route.candidates.is_empty().then(|| "every deployment is left out".to_owned());
        let survey = route.question.clone().and_then(|group| self.survey(group, supposed, (patterns, budgeted)));
        Ok(Explanation { route, refused: nobody, expected, survey })
    }

    /// What each rating would choose.
    fn survey(
        &self,
        group: Arc<Group>,
        mut supposed: Supposed<'_>,
        (patterns, budgeted): (&Patterns, bool),
    ) -> Option<Survey> {
        let classifier = group.classifier.clone()?;
        let shares = classifier.shares(group.targets.len());
        let choices = group.targets.iter().cloned().zip(shares).map(|(target, ratings)| {
            supposed.rating = Some(*ratings.start());
            let route = self.catalogue().route(patterns, &supposed.hypothesis.model, &supposed).ok();
            let first = route.and_then(|mut route| {
                leave_out(&mut route, budgeted, supposed.breakers);
                route.candidates.into_iter().next()
            });
            (target, ratings, first)
        });
        let choices = choices.collect();
        Some(Survey { group, classifier, choices })
    }

    /// Whether the asker may use the model, and whether a budget is kept.
    fn standing(&self, hypothesis: &Hypothesis) -> Result<(bool, bool), AdminError> {
        let keys = self.keys();
        match hypothesis.asker {
            Asker::Anybody => Ok((true, false)),
            Asker::Key(id) => {
                let key = keys.key(id).ok_or_else(|| AdminError::absent("key", id))?;
                Ok((key.admits(&hypothesis.model), key.budgeted))
            }
            Asker::Project(id) => {
                let mut lineage = keys.lineage(id).peekable();
                lineage.peek().ok_or_else(|| AdminError::absent("project", id))?;
                let with = |(admitted, budgeted), project: &Arc<farthing_actors::keyring::ring::Project>| {
                    let admits = project.allowed_models.admits(&hypothesis.model);
                    (admitted && admits, budgeted || project.budget.as_ref().is_some_and(Budget::is_enforced))
                };
                Ok(lineage.fold((true, false), with))
            }
        }
    }
}

fn leave_out(route: &mut Route, budgeted: bool, breakers: &Breakers) {
    route.leave_out(|candidate| {
        let open = || matches!(breakers.verdict(candidate.deployment.callee()), Verdict::Open { .. });
        match () {
            () if budgeted && candidate.deployment.price.is_none() => Some(Why::NotPriced),
            () if open() => Some(Why::CircuitOpen),
            () => None,
        }
    });
    route.put_last(|candidate| breakers.is_out_of_turn(candidate.provider.id));
}

impl Situation for Supposed<'_> {
    fn seed(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.hypothesis.model, &self.hypothesis.text).hash(&mut hasher);
        hasher.finish()
    }

    fn input_tokens(&self) -> u64 {
        let bytes = u64::try_from(self.hypothesis.text.len()).unwrap_or(u64::MAX);
        self.hypothesis.input_tokens.unwrap_or(bytes.div_ceil(4))
    }

    fn expected(&self) -> Usage {
        let output = self.hypothesis.output_tokens.unwrap_or(OUTPUT);
        Usage { input: self.input_tokens(), output, ..Usage::default() }
    }

    fn has_images(&self) -> bool {
        self.hypothesis.images
    }

    fn has_tools(&self) -> bool {
        self.hypothesis.tools
    }

    fn is_tagged(&self, tag: &str) -> bool {
        self.hypothesis.tags.iter().any(|given| given == tag)
    }

    fn mentions(&self, keyword: &str) -> bool {
        self.text.contains(&keyword.to_lowercase())
    }

    fn rating(&self, group: &Group) -> Option<Rated> {
        group.classifier.as_ref().and(self.rating).map(Rated::Said)
    }

    fn latency(&self, deployment: DeploymentId) -> Option<Duration> {
        self.breakers.pace(deployment, self.hypothesis.stream)
    }

    fn passage(&self, provider: &Arc<Provider>, model: &str) -> Candidate {
        passage(self.lists, provider, model)
    }
}
