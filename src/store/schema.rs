//! The tables as diesel sees them, in the form `diesel print-schema` writes.
//! Owns names and types only; those of people are in a room of their own. Refuses to be named outside the store.

pub(super) mod people;

diesel::table! {
    audit_events (seq) {
        seq -> BigInt,
        id -> Text,
        timestamp -> BigInt,
        action -> Text,
        actor -> Text,
        project_id -> Nullable<Text>,
        request_id -> Nullable<Text>,
        client_ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        result -> Text,
        details -> Text,
        mac -> Binary,
    }
}

diesel::table! {
    audit_state (id) {
        id -> BigInt,
        last_seq -> BigInt,
        head -> Binary,
        first_seq -> BigInt,
        before_first -> Binary,
        mac -> Binary,
        filed_seq -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (slot) {
        slot -> Binary,
        fingerprint -> Binary,
        request_id -> Text,
        doubtful -> Text,
        claimed_at -> BigInt,
        shape -> Nullable<Text>,
        body -> Nullable<Binary>,
    }
}

diesel::table! {
    installation (id) {
        id -> BigInt,
        key_id -> Binary,
        check_value -> Binary,
        generation -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    journal_state (id) {
        id -> BigInt,
        applied_seq -> BigInt,
        chain_head -> Binary,
    }
}

diesel::table! {
    kept_keys (name) {
        name -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    key_tokens (jti) {
        jti -> Text,
        key_id -> Text,
        until -> BigInt,
        max_requests -> BigInt,
        used -> BigInt,
    }
}

diesel::table! {
    key_uses (key_id, day, network, agent) {
        key_id -> Text,
        day -> BigInt,
        network -> Text,
        agent -> Text,
        calls -> BigInt,
    }
}

diesel::table! {
    killed_runs (id) {
        id -> Text,
        killed_at -> BigInt,
    }
}

diesel::table! {
    latency_rollups (bucket, provider_id) {
        bucket -> BigInt,
        provider_id -> Text,
        latency -> Text,
        first_token -> Text,
    }
}

diesel::table! {
    ledger_adjustments (seq) {
        seq -> BigInt,
        id -> Text,
        booked_at -> BigInt,
        scopes -> Text,
        provider_id -> Nullable<Text>,
        amount -> BigInt,
        reason -> Text,
        actor -> Text,
        request_id -> Nullable<Text>,
        debit_account -> Text,
        credit_account -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    ledger_entries (seq) {
        seq -> BigInt,
        kind -> Text,
        request_id -> Text,
        placed_at -> BigInt,
        closed_at -> BigInt,
        key_id -> Text,
        project_id -> Text,
        scopes -> Text,
        model -> Text,
        dialect -> Text,
        stream -> Bool,
        run -> Nullable<Text>,
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
        units -> Nullable<Text>,
        tier -> Text,
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
        hash -> Binary,
        route -> Nullable<Text>,
    }
}

diesel::table! {
    model_configs (id) {
        id -> Text,
        name -> Text,
        provider_id -> Text,
        upstream_model -> Text,
        weight -> BigInt,
        priority -> Integer,
        dialects -> Text,
        max_output_tokens -> Nullable<BigInt>,
        context_window -> Nullable<BigInt>,
        input_cost_per_m -> Nullable<BigInt>,
        output_cost_per_m -> Nullable<BigInt>,
        cache_read_cost_per_m -> Nullable<BigInt>,
        cache_write_cost_per_m -> Nullable<BigInt>,
        cache_write_1h_cost_per_m -> Nullable<BigInt>,
        reasoning_cost_per_m -> Nullable<BigInt>,
        price_id -> Nullable<Text>,
        price_effective_from -> Nullable<BigInt>,
        price_source -> Text,
        managed_by -> Text,
        created_at -> BigInt,
        upcoming_price_id -> Nullable<Text>,
    }
}

diesel::table! {
    model_groups (id) {
        id -> Text,
        name -> Text,
        strategy -> Text,
        targets -> Text,
        managed_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        classifier -> Nullable<Text>,
        shadows -> Nullable<Text>,
    }
}

diesel::table! {
    price_versions (id) {
        id -> Text,
        deployment_id -> Text,
        effective_from -> BigInt,
        price -> Text,
        set_by -> Nullable<Text>,
        set_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    price_withdrawals (price_id) {
        price_id -> Text,
        withdrawn_at -> BigInt,
        withdrawn_by -> Text,
    }
}

diesel::table! {
    projects (id) {
        id -> Text,
        name -> Text,
        parent_id -> Nullable<Text>,
        budget_limit -> Nullable<Text>,
        budget_window -> Nullable<Text>,
        budget_time_zone -> Nullable<Text>,
        rpm -> Nullable<BigInt>,
        tpm -> Nullable<BigInt>,
        concurrency -> Nullable<BigInt>,
        allowed_models -> Text,
        managed_by -> Text,
        created_at -> BigInt,
        budget_warn -> Nullable<Text>,
        response_cache_ttl -> Nullable<BigInt>,
        budget_mode -> Nullable<Text>,
        limits_mode -> Nullable<Text>,
        deactivated_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    provider_credits (provider_id) {
        provider_id -> Text,
        credit -> Text,
        low -> Nullable<Text>,
        spent_before -> Text,
        set_at -> BigInt,
        warned -> Bool,
    }
}

diesel::table! {
    providers (id) {
        id -> Text,
        name -> Text,
        kind -> Text,
        base_url -> Text,
        api_key_sealed -> Nullable<Binary>,
        allow_private_network -> Bool,
        enabled -> Bool,
        connect_ms -> BigInt,
        first_byte_ms -> Nullable<BigInt>,
        idle_ms -> BigInt,
        total_ms -> BigInt,
        managed_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    revoked_tokens (jti) {
        jti -> Text,
        until -> BigInt,
        revoked_at -> BigInt,
    }
}

diesel::table! {
    spend (account, bucket) {
        account -> Text,
        bucket -> BigInt,
        amount -> BigInt,
        entries -> BigInt,
        calls -> BigInt,
    }
}

diesel::table! {
    usage_rollups (span, bucket, subject) {
        span -> BigInt,
        bucket -> BigInt,
        subject -> BigInt,
        requests -> BigInt,
        errors -> BigInt,
        refused -> BigInt,
        estimated -> BigInt,
        input -> BigInt,
        cache_read -> BigInt,
        cache_write_5m -> BigInt,
        cache_write_1h -> BigInt,
        output -> BigInt,
        reasoning -> BigInt,
        audio_input -> BigInt,
        audio_output -> BigInt,
        image_input -> BigInt,
        image_output -> BigInt,
        images -> BigInt,
        audio_ms -> BigInt,
        characters -> BigInt,
        searches -> BigInt,
        amount -> BigInt,
        adjusted -> BigInt,
    }
}

diesel::table! {
    usage_subjects (id) {
        id -> BigInt,
        project_id -> Text,
        key_id -> Text,
        model -> Text,
        provider_id -> Text,
    }
}

diesel::table! {
    virtual_keys (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        prefix -> Text,
        digest -> Binary,
        budget_limit -> Nullable<Text>,
        budget_window -> Nullable<Text>,
        budget_time_zone -> Nullable<Text>,
        rpm -> Nullable<BigInt>,
        tpm -> Nullable<BigInt>,
        concurrency -> Nullable<BigInt>,
        allowed_models -> Text,
        max_requests -> Nullable<BigInt>,
        run_limit -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        created_at -> BigInt,
        budget_warn -> Nullable<Text>,
        budget_mode -> Nullable<Text>,
        limits_mode -> Nullable<Text>,
        allowed_endpoints -> Nullable<Text>,
        allowed_parameters -> Nullable<Text>,
        former_digest -> Nullable<Binary>,
        former_prefix -> Nullable<Text>,
        former_until -> Nullable<BigInt>,
        created_by -> Nullable<Text>,
        last_used_at -> Nullable<BigInt>,
    }
}
