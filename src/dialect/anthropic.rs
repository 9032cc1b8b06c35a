//! The dialect `anthropic`: Anthropic's Messages.
