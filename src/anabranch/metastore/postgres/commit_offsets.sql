-- What anabranch.metastore.offsets.commit_offsets does, in one round trip. Each statement in here sees
-- what was committed before it began; the group's row, locked first, stands for all of its offsets, so
-- nothing of them changes in between. Returns NULL, or the fence that the group is under if that is not
-- the expected one.
CREATE FUNCTION {name}(
    the_group text, expected bigint, the_action text, now_ms bigint, the_member text, the_client text,
    the_principal text, the_host text, the_generation bigint, the_api text, the_instance text,
    the_reason text, topic_nos bigint[], partitions bigint[], offsets bigint[], leader_epochs bigint[],
    metadatas text[], committed_at bigint[], expire_at bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    group_number bigint;
    actor_number bigint;
    present bigint;
    is_live bigint;
    used bigint;
    first_seq bigint;
    total bigint;
    rounds bigint;
BEGIN
    SELECT no, fence, live INTO group_number, present, is_live FROM consumer_group
        WHERE group_id = the_group FOR NO KEY UPDATE;
    IF group_number IS NULL OR is_live <> 1 THEN
        present := 0;
    END IF;
    IF present <> expected THEN
        RETURN present;
    END IF;
    IF group_number IS NULL OR is_live <> 1 THEN
        INSERT INTO consumer_group
            (group_id, live, protocol_type, state, generation, snapshot, updated_ms)
            VALUES (the_group, 1, '', 'Empty', 0, '', now_ms)
            ON CONFLICT (group_id) DO UPDATE SET live = 1, updated_ms = excluded.updated_ms
            RETURNING no, fence INTO group_number, present;
        IF present <> expected THEN
            RETURN present;  -- another made it meanwhile
        END IF;
        INSERT INTO journal_note (spans) VALUES (format('[["consumer_group",[%s]]]', group_number));
    END IF;

    -- No offset is committed behind the back of a purge: it waits for these, or they find it done. Those of
    -- a topic that is deleted and may come back wait with it.
    PERFORM 1 FROM topic WHERE no = ANY (topic_nos) AND state <> 2 ORDER BY no FOR SHARE;
    SELECT count(*), max(round) INTO total, rounds FROM (
        SELECT row_number() OVER (PARTITION BY v.topic_no, v.partition) AS round
        FROM unnest(topic_nos, partitions) AS v (topic_no, partition)
        JOIN topic t ON t.no = v.topic_no AND t.state <> 2) AS l;
    IF total = 0 THEN
        RETURN NULL;
    END IF;

    SELECT no, used_ms INTO actor_number, used FROM actor WHERE member_id = the_member
        AND client_id = the_client AND principal = the_principal AND host = the_host
        AND generation = the_generation AND api = the_api AND instance_id = the_instance
        AND reason = the_reason;
    IF actor_number IS NULL OR used + 86400000 <= now_ms THEN
        INSERT INTO actor (member_id, client_id, principal, host, generation, api, instance_id, reason,
            used_ms) VALUES (the_member, the_client, the_principal, the_host, the_generation, the_api,
            the_instance, the_reason, now_ms)
            ON CONFLICT (member_id, client_id, principal, host, generation, api, instance_id, reason)
            DO UPDATE SET used_ms = excluded.used_ms
            RETURNING no INTO actor_number;
        INSERT INTO journal_note (spans) VALUES (format('[["actor",[%s]]]', actor_number));
    END IF;

    UPDATE counter SET value = value + total WHERE name = 'history_seq'
        RETURNING value - total + 1 INTO first_seq;
    INSERT INTO journal_note (spans)
        SELECT format('[%s,["offset_history",[%s],[%s,%s],null,true]]',
            string_agg(format('["committed",[%s,%s,%s]]', group_number, v.topic_no, v.partition), ','),
            group_number, now_ms, first_seq)
        FROM unnest(topic_nos, partitions) AS v (topic_no, partition)
        JOIN topic t ON t.no = v.topic_no AND t.state <> 2;

    -- A partition named twice makes two lines, one after the other.
    FOR this_round IN 1 .. rounds LOOP
        INSERT INTO offset_history (group_no, at_ms, seq, topic_no, partition, action, old_offset,
            new_offset, metadata, actor_no)
        SELECT c.group_no, c.at_ms, c.seq, c.topic_no, c.partition, c.action, c.old_offset, c."offset",
            c.metadata, c.actor_no
        FROM (SELECT v.*, row_number() OVER (PARTITION BY v.topic_no, v.partition) AS round
            FROM unnest(topic_nos, partitions) AS v (topic_no, partition)
            JOIN topic t ON t.no = v.topic_no AND t.state <> 2) AS l
        JOIN committed c ON c.group_no = group_number AND c.topic_no = l.topic_no
            AND c.partition = l.partition
        WHERE l.round = this_round;

        INSERT INTO committed (group_no, topic_no, partition, "offset", leader_epoch, metadata,
            committed_ms, expires_ms, at_ms, seq, action, old_offset, actor_no)
        SELECT group_number, l.topic_no, l.partition, l.new_offset, l.leader_epoch, l.metadata,
            l.committed_ms, l.expires_ms,
            max(now_ms, coalesce((SELECT max(h.at_ms) FROM offset_history h
                WHERE h.group_no = group_number AND h.topic_no = l.topic_no
                    AND h.partition = l.partition), now_ms)),
            first_seq - 1 + l.place, the_action, NULL, actor_number
        FROM (SELECT o.*, row_number() OVER (ORDER BY o.round, o.nth) AS place
            FROM (SELECT v.*, row_number() OVER (PARTITION BY v.topic_no, v.partition
                    ORDER BY v.nth) AS round
                FROM unnest(topic_nos, partitions, offsets, leader_epochs, metadatas, committed_at,
                    expire_at) WITH ORDINALITY AS v (topic_no, partition, new_offset, leader_epoch,
                    metadata, committed_ms, expires_ms, nth)
                JOIN topic t ON t.no = v.topic_no AND t.state <> 2) AS o) AS l
        WHERE l.round = this_round
        ON CONFLICT (group_no, topic_no, partition) DO UPDATE SET
            old_offset = committed."offset", "offset" = excluded."offset",
            leader_epoch = excluded.leader_epoch, metadata = excluded.metadata,
            committed_ms = excluded.committed_ms, expires_ms = excluded.expires_ms,
            at_ms = excluded.at_ms, seq = excluded.seq, action = excluded.action,
            actor_no = excluded.actor_no;
    END LOOP;
    RETURN NULL;
END
$$;
