//! The dialect `gemini`: Google's `generateContent`.
