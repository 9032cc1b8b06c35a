-- What all subjects used together, as rows of subject 0: pages that ask for everything read few rows instead of all.
INSERT INTO usage_rollups (
    span, bucket, subject,
    requests, errors, refused, estimated, input, cache_read, cache_write_5m, cache_write_1h, output,
    reasoning, audio_input, audio_output, image_input, image_output, images, audio_ms, characters,
    searches, amount, adjusted
)
SELECT span, bucket, 0,
    SUM(requests), SUM(errors), SUM(refused), SUM(estimated), SUM(input), SUM(cache_read),
    SUM(cache_write_5m), SUM(cache_write_1h), SUM(output), SUM(reasoning), SUM(audio_input),
    SUM(audio_output), SUM(image_input), SUM(image_output), SUM(images), SUM(audio_ms),
    SUM(characters), SUM(searches), SUM(amount), SUM(adjusted)
FROM usage_rollups
GROUP BY span, bucket;

CREATE INDEX usage_of_everybody ON usage_rollups (span, bucket) WHERE subject = 0;
