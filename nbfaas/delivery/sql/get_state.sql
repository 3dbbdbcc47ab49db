SELECT state FROM source_state WHERE source_key = :source_key;
