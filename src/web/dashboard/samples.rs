//! Samples: lines that call this gateway with a key and run as pasted. Owns their text.

/// The same call from a shell and from two languages.
#[derive(Debug, Clone)]
pub struct Samples {
    /// For a shell.
    pub curl: String,
    /// For OpenAI's package for Python.
    pub python: String,
    /// For OpenAI's package for Node.
    pub node: String,
}

/// What stands for a model that the reader knows better.
const MODEL: &str = "MODEL";

impl Samples {
    /// Calls of the gateway at `origin` with the key `secret`.
    pub fn new(origin: &str, secret: &str) -> Self {
        Self::of(origin, secret, MODEL)
    }

    /// The same for a model.
    pub fn of(origin: &str, secret: &str, model: &str) -> Self {
        let body = format!(r#"{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}"#);
        let curl = format!(
            "curl {origin}/v1/chat/completions \\\n  -H 'Authorization: Bearer {secret}' \\\n  \
             -H 'Content-Type: application/json' \\\n  -d '{body}'"
        );
        let python = format!(
            "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{origin}/v1\", api_key=\"{secret}\")\n\
             answer = client.chat.completions.create(\n    model=\"{model}\",\n    \
             messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\nprint(answer.choices[0].message.content)"
        );
        let node = format!(
            "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{origin}/v1\", apiKey: \"{secret}\" }});\n\
             const answer = await client.chat.completions.create({{\n  model: \"{model}\",\n  \
             messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\nconsole.log(answer.choices[0].message.content);"
        );
        Self { curl, python, node }
    }
}
