-- Failures that are judged anew are looked for among the issues' last ones.
CREATE INDEX issues_by_last_error ON issues (last_error_id);
