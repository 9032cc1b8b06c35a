//! The tables of people, as the migrations make them: who may sign in, who is signed in, and who guesses. Owns nothing else.

diesel::table! {
    familiar_networks (user_id, network) {
        user_id -> Text,
        network -> Text,
        last_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        digest -> Binary,
        former_digest -> Nullable<Binary>,
        former_until -> Nullable<BigInt>,
        agent -> Text,
        address -> Nullable<Text>,
        created_at -> BigInt,
        issued_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        ends_at -> BigInt,
        opened_by -> Nullable<Binary>,
    }
}

diesel::table! {
    sign_in_failures (id) {
        id -> BigInt,
        user_id -> Text,
        network -> Text,
        familiar -> Bool,
        at -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        name -> Text,
        display_name -> Text,
        role -> Text,
        password -> Nullable<Text>,
        projects -> Nullable<Text>,
        oidc_issuer -> Nullable<Text>,
        oidc_subject -> Nullable<Text>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}
