//! The dialect `openai_responses`: OpenAI's Responses.
