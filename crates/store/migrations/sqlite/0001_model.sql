-- The whole model. Times named _at are instants (UTC), _local are a terminal's wall clock, _on are dates:
-- all text that sorts.
-- Ids rise and are never used again. Organisation rows start above 1 000 000 and employees above
-- 1 000 000 000, so that an id and a code a person typed cannot be mistaken for one another; the
-- seeded rows keep id 1.

CREATE TABLE company (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE area (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    area_code TEXT NOT NULL,
    area_name TEXT NOT NULL,
    parent_id BIGINT REFERENCES area (id),
    search_text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX area_code_once ON area (company_id, area_code);
CREATE INDEX area_parent ON area (parent_id);

CREATE TABLE department (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    dept_code TEXT NOT NULL,
    dept_name TEXT NOT NULL,
    parent_id BIGINT REFERENCES department (id),
    search_text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX department_code_once ON department (company_id, dept_code);
CREATE INDEX department_parent ON department (parent_id);

CREATE TABLE position (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    position_code TEXT NOT NULL,
    position_name TEXT NOT NULL,
    parent_id BIGINT REFERENCES position (id),
    search_text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX position_code_once ON position (company_id, position_code);
CREATE INDEX position_parent ON position (parent_id);

CREATE TABLE location (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    location_code TEXT NOT NULL,
    location_name TEXT NOT NULL,
    parent_id BIGINT REFERENCES location (id),
    search_text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX location_code_once ON location (company_id, location_code);
CREATE INDEX location_parent ON location (parent_id);

CREATE TABLE employee (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    emp_code TEXT NOT NULL,
    status SMALLINT NOT NULL DEFAULT 0,
    first_name TEXT,
    last_name TEXT,
    nickname TEXT,
    device_password_sealed BLOB,
    card_no TEXT,
    department_id BIGINT NOT NULL REFERENCES department (id),
    position_id BIGINT REFERENCES position (id),
    location_id BIGINT REFERENCES location (id),
    hire_on TEXT,
    gender TEXT,
    birthday_on TEXT,
    verify_mode BIGINT,
    emp_type BIGINT,
    validity_start_on TEXT,
    validity_end_on TEXT,
    contact_tel TEXT,
    office_tel TEXT,
    mobile TEXT,
    national TEXT,
    city TEXT,
    address TEXT,
    postcode TEXT,
    email TEXT,
    enroll_sn TEXT,
    ssn TEXT,
    religion TEXT,
    enable_att BOOLEAN NOT NULL DEFAULT TRUE,
    enable_overtime BOOLEAN NOT NULL DEFAULT FALSE,
    enable_holiday BOOLEAN NOT NULL DEFAULT TRUE,
    enable_whatsapp BOOLEAN NOT NULL DEFAULT FALSE,
    enable_sms BOOLEAN NOT NULL DEFAULT FALSE,
    dev_privilege SMALLINT NOT NULL DEFAULT 0,
    self_password_hash TEXT,
    flow_role TEXT NOT NULL DEFAULT '[]',
    app_status SMALLINT NOT NULL DEFAULT 0,
    app_role BIGINT,
    search_text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX employee_code_once ON employee (company_id, emp_code);
CREATE INDEX employee_status ON employee (status, id);
CREATE INDEX employee_department ON employee (department_id);
CREATE INDEX employee_position ON employee (position_id);
CREATE INDEX employee_location ON employee (location_id);
CREATE INDEX employee_first_name ON employee (first_name);
CREATE INDEX employee_last_name ON employee (last_name);
CREATE INDEX employee_card ON employee (card_no);
CREATE INDEX employee_changed ON employee (changed_at);

CREATE TABLE employee_area (
    employee_id BIGINT NOT NULL REFERENCES employee (id) ON DELETE CASCADE,
    area_id BIGINT NOT NULL REFERENCES area (id),
    PRIMARY KEY (employee_id, area_id)
);
CREATE INDEX employee_area_area ON employee_area (area_id);

CREATE TABLE employee_photo (
    employee_id INTEGER PRIMARY KEY REFERENCES employee (id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL,
    changed_at TEXT NOT NULL
);

CREATE TABLE resignation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    employee_id BIGINT NOT NULL REFERENCES employee (id) ON DELETE CASCADE,
    resign_on TEXT NOT NULL,
    report_generation_end_on TEXT NOT NULL,
    resign_type SMALLINT NOT NULL,
    reason TEXT,
    disableatt BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE UNIQUE INDEX resignation_open_once ON resignation (employee_id) WHERE ended_at IS NULL;
CREATE INDEX resignation_employee ON resignation (employee_id);

CREATE TABLE biometric (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    employee_id BIGINT REFERENCES employee (id) ON DELETE CASCADE,
    pin TEXT NOT NULL,
    wire_type SMALLINT NOT NULL,
    bio_no SMALLINT NOT NULL,
    bio_index SMALLINT NOT NULL,
    major_ver TEXT NOT NULL,
    minor_ver TEXT NOT NULL,
    bio_format SMALLINT NOT NULL DEFAULT 0,
    source TEXT NOT NULL,
    valid SMALLINT NOT NULL DEFAULT 1,
    duress SMALLINT NOT NULL DEFAULT 0,
    template_sealed BLOB NOT NULL,
    terminal_sn TEXT,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX biometric_once
    ON biometric (company_id, pin, wire_type, bio_no, bio_index, major_ver, source);
CREATE INDEX biometric_employee ON biometric (employee_id, wire_type);

CREATE TABLE terminal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    sn TEXT NOT NULL,
    alias TEXT NOT NULL,
    area_id BIGINT NOT NULL REFERENCES area (id),
    status SMALLINT NOT NULL DEFAULT 0,
    ip_address TEXT,
    real_ip TEXT,
    zone_offset_minutes SMALLINT NOT NULL,
    zone_name TEXT,
    zone_spelling TEXT NOT NULL DEFAULT 'hours_or_minutes',
    heartbeat BIGINT NOT NULL DEFAULT 10,
    transfer_mode SMALLINT NOT NULL DEFAULT 1,
    device_direction SMALLINT NOT NULL DEFAULT 0,
    transfer_interval BIGINT NOT NULL DEFAULT 1,
    transfer_time TEXT NOT NULL DEFAULT '00:00;14:05',
    product_type BIGINT NOT NULL DEFAULT 9,
    is_attendance BOOLEAN NOT NULL DEFAULT TRUE,
    is_registration BOOLEAN NOT NULL DEFAULT FALSE,
    is_access BOOLEAN NOT NULL DEFAULT FALSE,
    purpose BIGINT,
    controller_type SMALLINT NOT NULL DEFAULT 0,
    authentication SMALLINT NOT NULL DEFAULT 1,
    style TEXT,
    upload_flag TEXT NOT NULL DEFAULT '1111100000',
    family TEXT NOT NULL DEFAULT 'attendance',
    fw_ver TEXT,
    push_protocol TEXT NOT NULL DEFAULT '',
    push_ver TEXT,
    language BIGINT,
    is_tft BOOLEAN NOT NULL DEFAULT FALSE,
    terminal_name TEXT,
    platform TEXT,
    oem_vendor TEXT,
    mac TEXT,
    log_stamp TEXT,
    op_log_stamp TEXT,
    capture_stamp TEXT,
    bio_stamp TEXT,
    user_count BIGINT,
    user_capacity BIGINT,
    photo_func_on BOOLEAN NOT NULL DEFAULT FALSE,
    transaction_count BIGINT,
    transaction_capacity BIGINT,
    fp_func_on BOOLEAN NOT NULL DEFAULT TRUE,
    fp_count BIGINT,
    fp_capacity BIGINT,
    fp_alg_ver TEXT,
    face_func_on BOOLEAN NOT NULL DEFAULT FALSE,
    face_count BIGINT,
    face_capacity BIGINT,
    face_alg_ver TEXT,
    fv_func_on BOOLEAN NOT NULL DEFAULT FALSE,
    fv_count BIGINT NOT NULL DEFAULT 0,
    fv_capacity BIGINT,
    fv_alg_ver TEXT,
    palm_func_on BOOLEAN NOT NULL DEFAULT FALSE,
    palm_count BIGINT,
    palm_capacity BIGINT,
    palm_alg_ver TEXT,
    lock_func SMALLINT NOT NULL DEFAULT 0,
    gps_location TEXT,
    registry_code TEXT,
    session_code TEXT,
    next_wire_id BIGINT NOT NULL DEFAULT 1,
    last_activity_at TEXT,
    upload_at TEXT,
    push_at TEXT,
    clock_drift_seconds BIGINT,
    created_by TEXT,
    created_at TEXT NOT NULL,
    changed_by TEXT,
    changed_at TEXT NOT NULL,
    search_text TEXT NOT NULL
);
CREATE UNIQUE INDEX terminal_sn_once ON terminal (sn);
CREATE INDEX terminal_area ON terminal (area_id);

CREATE TABLE terminal_option (
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    reported_at TEXT NOT NULL,
    PRIMARY KEY (terminal_id, name)
);

CREATE TABLE terminal_command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    wire_id BIGINT NOT NULL,
    verb TEXT NOT NULL,
    body_sealed BLOB NOT NULL,
    shown TEXT NOT NULL,
    idempotent BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    created_by TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    not_before_at TEXT,
    sent_at TEXT,
    sent_count SMALLINT NOT NULL DEFAULT 0,
    polls_since_sent BIGINT NOT NULL DEFAULT 0,
    finished_at TEXT,
    return_code BIGINT,
    result TEXT
);
CREATE UNIQUE INDEX terminal_command_wire_once ON terminal_command (terminal_id, wire_id);
CREATE INDEX terminal_command_open ON terminal_command (terminal_id, id)
    WHERE state IN ('queued', 'sent');

CREATE TABLE public_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    start_local TEXT NOT NULL,
    duration_minutes BIGINT NOT NULL,
    last_send_at TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE INDEX public_message_terminal ON public_message (terminal_id);

CREATE TABLE private_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    employee_id BIGINT NOT NULL REFERENCES employee (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    start_local TEXT NOT NULL,
    duration_minutes BIGINT NOT NULL,
    last_send_at TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE INDEX private_message_employee ON private_message (employee_id);

-- One row per punch, for ever. A punch of a known person has a transaction_id; one of a PIN nobody
-- has (unregister) has none until somebody with that code is made. Attendance terminals identify a
-- punch by what it says, access terminals number theirs. terminal_id and employee_id are what was true
-- then: the rows they name may be gone, and ids are never used again.
CREATE TABLE punch (
    id INTEGER PRIMARY KEY,
    transaction_id BIGINT,
    company_id TEXT NOT NULL,
    terminal_id BIGINT,
    terminal_sn TEXT NOT NULL,
    terminal_alias TEXT,
    area_id BIGINT,
    area_name TEXT,
    employee_id BIGINT,
    pin TEXT NOT NULL,
    punch_local TEXT NOT NULL,
    punch_at TEXT NOT NULL,
    punch_state SMALLINT NOT NULL,
    verify_type SMALLINT NOT NULL,
    verify_bits TEXT,
    work_code TEXT NOT NULL,
    mask_flag SMALLINT,
    temperature REAL,
    longitude REAL,
    latitude REAL,
    gps_location TEXT,
    mobile TEXT,
    source SMALLINT NOT NULL,
    event_index BIGINT,
    event_code BIGINT,
    clock_suspect BOOLEAN NOT NULL DEFAULT FALSE,
    upload_at TEXT NOT NULL,
    hidden_at TEXT
);
CREATE UNIQUE INDEX punch_once
    ON punch (terminal_sn, pin, punch_local, punch_state, verify_type) WHERE event_index IS NULL;
CREATE UNIQUE INDEX punch_event_once
    ON punch (terminal_sn, event_index, punch_local) WHERE event_index IS NOT NULL;
CREATE UNIQUE INDEX punch_transaction ON punch (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX punch_unregistered ON punch (pin, id) WHERE transaction_id IS NULL;
CREATE INDEX punch_employee ON punch (employee_id, punch_local);
CREATE INDEX punch_time ON punch (punch_local, id);
CREATE INDEX punch_upload ON punch (upload_at, id);

-- What the punch writer counts in its own transaction. Taking this row first also puts the
-- transactions of several nodes in one order, so that ids become visible in the order they rise.
CREATE TABLE punch_counter (
    company_id TEXT PRIMARY KEY REFERENCES company (id),
    last_id BIGINT NOT NULL,
    transactions BIGINT NOT NULL,
    unregistered BIGINT NOT NULL
);

-- What a terminal sent and nobody could read, or nobody reads yet: kept as it came, sealed, because
-- it may hold a password or a template.
CREATE TABLE unread_line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    terminal_id BIGINT REFERENCES terminal (id) ON DELETE SET NULL,
    terminal_sn TEXT NOT NULL,
    table_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest BLOB NOT NULL,
    raw_sealed BLOB NOT NULL,
    times BIGINT NOT NULL DEFAULT 1,
    received_at TEXT NOT NULL
);
CREATE UNIQUE INDEX unread_line_once ON unread_line (terminal_sn, table_name, digest);

CREATE TABLE operation_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    terminal_id BIGINT REFERENCES terminal (id) ON DELETE SET NULL,
    terminal_sn TEXT NOT NULL,
    op_code SMALLINT NOT NULL,
    operator TEXT NOT NULL,
    op_local TEXT NOT NULL,
    object_1 TEXT NOT NULL,
    object_2 TEXT NOT NULL,
    object_3 TEXT NOT NULL,
    object_4 TEXT NOT NULL,
    received_at TEXT NOT NULL
);
CREATE UNIQUE INDEX operation_log_once
    ON operation_log (terminal_sn, op_local, op_code, operator, object_1, object_2, object_3, object_4);

CREATE TABLE punch_photo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES company (id),
    terminal_sn TEXT NOT NULL,
    pin TEXT NOT NULL,
    taken_local TEXT,
    file_name TEXT NOT NULL,
    jpeg BLOB NOT NULL,
    received_at TEXT NOT NULL
);
CREATE UNIQUE INDEX punch_photo_once ON punch_photo (terminal_sn, file_name);

CREATE TABLE role (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    built_in BOOLEAN NOT NULL DEFAULT FALSE,
    rights TEXT NOT NULL,
    companies TEXT,
    areas TEXT,
    departments TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX role_name_once ON role (name);

CREATE TABLE app_user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT,
    password_hash TEXT NOT NULL,
    role_id BIGINT NOT NULL REFERENCES role (id),
    active BOOLEAN NOT NULL DEFAULT TRUE,
    credentials_changed_at TEXT NOT NULL,
    last_login_at TEXT,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX app_user_uuid_once ON app_user (uuid);
CREATE UNIQUE INDEX app_user_name_once ON app_user (username);
CREATE UNIQUE INDEX app_user_email_once ON app_user (email) WHERE email IS NOT NULL;

CREATE TABLE api_client (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    rights TEXT NOT NULL,
    token_digest BLOB NOT NULL,
    addresses TEXT,
    expires_at TEXT,
    revoked_at TEXT,
    last_used_at TEXT,
    created_by TEXT,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX api_client_name_once ON api_client (name) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX api_client_token_once ON api_client (token_digest);

-- The never-expiring token of a login door; a second login at the same door gives the same token,
-- so it is sealed rather than hashed, and found by its digest.
CREATE TABLE login_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT REFERENCES app_user (id) ON DELETE CASCADE,
    employee_id BIGINT REFERENCES employee (id) ON DELETE CASCADE,
    profile TEXT NOT NULL,
    token_digest BLOB NOT NULL,
    token_sealed BLOB NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX login_token_once ON login_token (token_digest);
CREATE UNIQUE INDEX login_token_user ON login_token (user_id, profile) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX login_token_employee
    ON login_token (employee_id, profile) WHERE employee_id IS NOT NULL;

CREATE TABLE console_session (
    digest BLOB PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE INDEX console_session_user ON console_session (user_id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    thing TEXT NOT NULL,
    thing_id TEXT,
    before TEXT,
    after TEXT
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_thing ON audit (thing, thing_id);

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_at TEXT NOT NULL
);

-- Made once at the first start, so that several nodes on one database recognise each other's seals
-- and tokens only when they hold the same key file: a mismatch is an error at start.
CREATE TABLE installation (
    id SMALLINT PRIMARY KEY,
    key_check BLOB NOT NULL,
    installed_at TEXT NOT NULL
);

INSERT INTO sqlite_sequence (name, seq) VALUES
    ('area', 1000000),
    ('department', 1000000),
    ('position', 1000000),
    ('location', 1000000),
    ('employee', 1000000000),
    ('resignation', 1000000),
    ('biometric', 1000000),
    ('terminal', 1000000),
    ('public_message', 1000000),
    ('private_message', 1000000),
    ('role', 100);
