-- The lines of the offset history that were not a consumer going forward: few among millions of commits, and the
-- first that anybody asks for. A plain commit writes nothing here.
CREATE INDEX offset_history_turns ON offset_history (group_no, at_ms, seq)
    WHERE (action <> 'commit' OR old_offset IS NULL OR new_offset < old_offset);
