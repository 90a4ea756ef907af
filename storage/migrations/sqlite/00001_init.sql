-- +goose Up
CREATE TABLE users (
	id text PRIMARY KEY,
	email text NOT NULL UNIQUE,
	name text NOT NULL,
	password_hash text NOT NULL DEFAULT '',
	must_change boolean NOT NULL DEFAULT false,
	roles text,
	created_at datetime NOT NULL,
	disabled_at datetime
);
CREATE TABLE sessions (
	token_hash text PRIMARY KEY,
	data blob NOT NULL,
	expires_at datetime NOT NULL
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE TABLE login_failures (
	id integer PRIMARY KEY AUTOINCREMENT,
	email text NOT NULL,
	ip text NOT NULL,
	at datetime NOT NULL
);
CREATE INDEX login_failures_email ON login_failures (email, at);
CREATE INDEX login_failures_ip ON login_failures (ip, at);

CREATE TABLE candidates (
	id text PRIMARY KEY,
	name text NOT NULL,
	email text NOT NULL,
	created_at datetime NOT NULL
);
CREATE TABLE openings (
	id text PRIMARY KEY,
	title text NOT NULL,
	level text NOT NULL,
	hiring_manager_id text NOT NULL,
	created_by text NOT NULL,
	created_at datetime NOT NULL,
	closed_at datetime
);
CREATE TABLE kits (
	id text PRIMARY KEY,
	slug text NOT NULL,
	version integer NOT NULL,
	title text NOT NULL,
	level text NOT NULL,
	focus text,
	questions text,
	guide text NOT NULL,
	minutes integer NOT NULL,
	ai_policy text NOT NULL,
	results text NOT NULL,
	created_by text NOT NULL,
	created_at datetime NOT NULL,
	UNIQUE (slug, version)
);
CREATE TABLE loops (
	id text PRIMARY KEY,
	opening_id text NOT NULL REFERENCES openings,
	candidate_id text NOT NULL REFERENCES candidates,
	status text NOT NULL,
	committee text,
	created_by text NOT NULL,
	created_at datetime NOT NULL
);
CREATE INDEX loops_opening ON loops (opening_id);
CREATE TABLE interviews (
	id text PRIMARY KEY,
	loop_id text NOT NULL REFERENCES loops,
	candidate_id text NOT NULL REFERENCES candidates,
	kit_id text NOT NULL REFERENCES kits,
	title text NOT NULL,
	status text NOT NULL CHECK (status IN ('scheduled', 'open', 'closed', 'cancelled')),
	kind text NOT NULL,
	window_start datetime NOT NULL,
	window_end datetime NOT NULL,
	allotted_ns integer NOT NULL,
	credited_ns integer NOT NULL,
	ai_policy text NOT NULL,
	results text NOT NULL,
	opened_at datetime,
	closed_at datetime,
	close_cause text NOT NULL,
	created_by text NOT NULL,
	created_at datetime NOT NULL
);
CREATE INDEX interviews_loop ON interviews (loop_id);
CREATE INDEX interviews_status ON interviews (status);
CREATE TABLE question_revisions (
	slug text NOT NULL,
	revision text NOT NULL,
	public text,
	pack_key text NOT NULL,
	created_at datetime NOT NULL,
	PRIMARY KEY (slug, revision)
);
CREATE TABLE items (
	id text PRIMARY KEY,
	interview_id text NOT NULL REFERENCES interviews,
	position integer NOT NULL,
	slug text NOT NULL,
	revision text NOT NULL,
	seed text NOT NULL,
	minutes integer NOT NULL,
	title text NOT NULL,
	UNIQUE (interview_id, position),
	FOREIGN KEY (slug, revision) REFERENCES question_revisions
);
CREATE TABLE panelists (
	interview_id text NOT NULL REFERENCES interviews,
	user_id text NOT NULL REFERENCES users,
	participation text NOT NULL,
	due_at datetime NOT NULL,
	waived_reason text NOT NULL,
	created_at datetime NOT NULL,
	PRIMARY KEY (interview_id, user_id)
);
CREATE INDEX panelists_user ON panelists (user_id);
CREATE TABLE invitations (
	id text PRIMARY KEY,
	interview_id text NOT NULL REFERENCES interviews,
	token_hash text NOT NULL UNIQUE,
	expires_at datetime NOT NULL,
	opened_at datetime,
	accepted_at datetime,
	revoked_at datetime,
	requested_at datetime,
	request_note text NOT NULL,
	created_by text NOT NULL,
	created_at datetime NOT NULL
);
CREATE INDEX invitations_interview ON invitations (interview_id);
CREATE TABLE credits (
	id integer PRIMARY KEY AUTOINCREMENT,
	interview_id text NOT NULL REFERENCES interviews,
	amount_ns integer NOT NULL,
	cause text NOT NULL,
	at datetime NOT NULL
);
CREATE INDEX credits_interview ON credits (interview_id);
CREATE TABLE drafts (
	item_id text PRIMARY KEY REFERENCES items,
	version integer NOT NULL,
	files text,
	updated_at datetime NOT NULL
);

CREATE TABLE submissions (
	id text PRIMARY KEY,
	interview_id text NOT NULL REFERENCES interviews,
	item_id text NOT NULL REFERENCES items,
	candidate_id text NOT NULL REFERENCES candidates,
	mode text NOT NULL CHECK (mode IN ('run', 'submit')),
	status text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'cancelled')),
	verdict text NOT NULL,
	score real NOT NULL,
	files text,
	nonce text NOT NULL,
	attempt_id text NOT NULL,
	waiting text NOT NULL,
	created_at datetime NOT NULL,
	finished_at datetime,
	UNIQUE (item_id, nonce)
);
CREATE INDEX submissions_interview ON submissions (interview_id);
CREATE TABLE attempts (
	id text PRIMARY KEY,
	submission_id text NOT NULL REFERENCES submissions,
	status text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'cancelled')),
	epoch integer NOT NULL,
	lease_until datetime,
	worker text NOT NULL,
	failures integer NOT NULL,
	last_failure text NOT NULL,
	verdict text NOT NULL,
	report text,
	public_log text NOT NULL,
	staff_log text NOT NULL,
	created_at datetime NOT NULL,
	started_at datetime,
	finished_at datetime
);
CREATE INDEX attempts_submission ON attempts (submission_id);
CREATE INDEX attempts_status ON attempts (status, lease_until);
CREATE TABLE events (
	id integer PRIMARY KEY AUTOINCREMENT,
	attempt_id text NOT NULL REFERENCES attempts,
	at datetime NOT NULL,
	kind text NOT NULL,
	text text NOT NULL,
	name text NOT NULL,
	step real NOT NULL,
	value text NOT NULL,
	"check" text
);
CREATE INDEX events_attempt ON events (attempt_id, id);
CREATE TABLE comments (
	id text PRIMARY KEY,
	submission_id text NOT NULL REFERENCES submissions,
	path text NOT NULL,
	line integer NOT NULL,
	author_id text NOT NULL REFERENCES users,
	body text NOT NULL,
	created_at datetime NOT NULL
);
CREATE INDEX comments_submission ON comments (submission_id);

CREATE TABLE scorecards (
	id text PRIMARY KEY,
	loop_id text NOT NULL REFERENCES loops,
	interview_id text NOT NULL REFERENCES interviews,
	author_id text NOT NULL REFERENCES users,
	status text NOT NULL CHECK (status IN ('draft', 'submitted')),
	overall text NOT NULL,
	level_observed text NOT NULL,
	ratings text,
	reason_for text NOT NULL,
	reason_against text NOT NULL,
	would_change text NOT NULL,
	note_to_next text NOT NULL,
	private_note text NOT NULL,
	saw_autograde boolean NOT NULL,
	version integer NOT NULL,
	opened_at datetime NOT NULL,
	updated_at datetime NOT NULL,
	submitted_at datetime,
	UNIQUE (interview_id, author_id)
);
CREATE INDEX scorecards_loop ON scorecards (loop_id);
CREATE TABLE amendments (
	id integer PRIMARY KEY AUTOINCREMENT,
	scorecard_id text NOT NULL REFERENCES scorecards,
	version integer NOT NULL,
	reason text NOT NULL,
	overall text NOT NULL,
	ratings text,
	saw_others boolean NOT NULL,
	at datetime NOT NULL,
	UNIQUE (scorecard_id, version)
);
CREATE TABLE packets (
	id text PRIMARY KEY,
	loop_id text NOT NULL REFERENCES loops,
	version integer NOT NULL,
	blind text NOT NULL,
	status text NOT NULL CHECK (status IN ('requested', 'ready', 'failed')),
	requested_by text NOT NULL,
	requested_at datetime NOT NULL,
	ready_at datetime,
	zip_key text NOT NULL,
	html_key text NOT NULL,
	json_key text NOT NULL,
	digest text NOT NULL,
	chain_head text NOT NULL,
	failure text NOT NULL,
	UNIQUE (loop_id, version)
);
CREATE INDEX packets_status ON packets (status);
CREATE TABLE votes (
	id text PRIMARY KEY,
	loop_id text NOT NULL REFERENCES loops,
	packet_id text NOT NULL REFERENCES packets,
	user_id text NOT NULL REFERENCES users,
	outcome text NOT NULL,
	level text NOT NULL,
	confidence text NOT NULL,
	sentence text NOT NULL,
	created_at datetime NOT NULL
);
CREATE INDEX votes_loop ON votes (loop_id);
CREATE TABLE decisions (
	id text PRIMARY KEY,
	loop_id text NOT NULL REFERENCES loops,
	packet_id text NOT NULL REFERENCES packets,
	outcome text NOT NULL,
	level text NOT NULL,
	rationale text NOT NULL,
	missing text NOT NULL,
	dissent text NOT NULL,
	decided_by text NOT NULL REFERENCES users,
	created_at datetime NOT NULL
);
CREATE INDEX decisions_loop ON decisions (loop_id);
CREATE TABLE audit_events (
	seq integer PRIMARY KEY,
	at datetime NOT NULL,
	actor text NOT NULL,
	act text NOT NULL,
	object text NOT NULL,
	loop_id text NOT NULL,
	details text,
	prev_hash text NOT NULL,
	hash text NOT NULL UNIQUE
);
CREATE INDEX audit_events_loop ON audit_events (loop_id, seq);

-- What must never be rewritten refuses it here, below every program. Code that respects the rules never meets these triggers.
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN
	SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
	SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER amendments_no_update BEFORE UPDATE ON amendments BEGIN
	SELECT RAISE(ABORT, 'amendments is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER amendments_no_delete BEFORE DELETE ON amendments BEGIN
	SELECT RAISE(ABORT, 'amendments is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER votes_no_update BEFORE UPDATE ON votes BEGIN
	SELECT RAISE(ABORT, 'votes is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER votes_no_delete BEFORE DELETE ON votes BEGIN
	SELECT RAISE(ABORT, 'votes is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN
	SELECT RAISE(ABORT, 'decisions is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN
	SELECT RAISE(ABORT, 'decisions is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER credits_no_update BEFORE UPDATE ON credits BEGIN
	SELECT RAISE(ABORT, 'credits is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER credits_no_delete BEFORE DELETE ON credits BEGIN
	SELECT RAISE(ABORT, 'credits is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scorecards_no_update BEFORE UPDATE ON scorecards WHEN OLD.status = 'submitted' BEGIN
	SELECT RAISE(ABORT, 'a submitted scorecard is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scorecards_no_delete BEFORE DELETE ON scorecards WHEN OLD.status = 'submitted' BEGIN
	SELECT RAISE(ABORT, 'a submitted scorecard is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_no_update BEFORE UPDATE ON attempts WHEN OLD.status IN ('done', 'cancelled') BEGIN
	SELECT RAISE(ABORT, 'a finished attempt is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts WHEN OLD.status IN ('done', 'cancelled') BEGIN
	SELECT RAISE(ABORT, 'a finished attempt is never changed');
END;
-- +goose StatementEnd
