-- Passwords and templates do not stay in commands that are over, however they ended.
UPDATE terminal_command SET body_sealed = x''
    WHERE state NOT IN ('queued', 'sent') AND length(body_sealed) > 0;
