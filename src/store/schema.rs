//! The tables as diesel sees them, in the form `diesel print-schema` writes.
//! Owns names and types only. Refuses to be named outside the store.

diesel::table! {
    journal_state (id) {
        id -> BigInt,
        applied_seq -> BigInt,
    }
}

diesel::table! {
    ledger_entries (seq) {
        seq -> BigInt,
        request_id -> Text,
        placed_at -> BigInt,
        closed_at -> BigInt,
        key_id -> Text,
        project_id -> Text,
        scopes -> Text,
        model -> Text,
        dialect -> Text,
        stream -> Bool,
        provider_id -> Nullable<Text>,
        deployment_id -> Nullable<Text>,
        upstream_model -> Nullable<Text>,
        price_id -> Nullable<Text>,
        price -> Nullable<Text>,
        input -> BigInt,
        cache_read -> BigInt,
        cache_write_5m -> BigInt,
        cache_write_1h -> BigInt,
        output -> BigInt,
        reasoning -> BigInt,
        provenance -> Text,
        status -> Text,
        http_status -> Integer,
        attempts -> Integer,
        latency_ms -> BigInt,
        first_token_ms -> Nullable<BigInt>,
        held -> BigInt,
        amount -> BigInt,
        debit_account -> Text,
        credit_account -> Text,
    }
}

diesel::table! {
    spend (account, bucket) {
        account -> Text,
        bucket -> BigInt,
        amount -> BigInt,
        entries -> BigInt,
    }
}
