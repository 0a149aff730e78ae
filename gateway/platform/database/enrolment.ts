/** Who was given a certificate (authority/registry.ts has what is done with it). Of a code only hashes are here. */
export const enrolmentTables = `
CREATE TABLE enrolment_campus (
  campus text PRIMARY KEY,
  prefix text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('invited', 'enrolled', 'withdrawn')),
  since timestamptz NOT NULL,
  reason text
);
CREATE TABLE enrolment_code (
  id text PRIMARY KEY,
  key bytea NOT NULL,
  campus text NOT NULL REFERENCES enrolment_campus,
  made_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  used_at timestamptz,
  serial text
);
CREATE INDEX enrolment_code_campus ON enrolment_code (campus);
CREATE TABLE enrolment_certificate (
  serial text PRIMARY KEY,
  campus text REFERENCES enrolment_campus,
  subject text NOT NULL,
  key text NOT NULL,
  pem text NOT NULL,
  issued_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  revoked_at timestamptz,
  reason text CHECK (reason IN ('superseded', 'withdrawn'))
);
CREATE INDEX enrolment_certificate_campus ON enrolment_certificate (campus);
CREATE TABLE enrolment_key (
  id text PRIMARY KEY,
  issuer text NOT NULL,
  public_key text NOT NULL,
  not_before timestamptz NOT NULL,
  signs_from timestamptz NOT NULL,
  not_after timestamptz
);
CREATE TABLE enrolment_setting (name text PRIMARY KEY, value jsonb NOT NULL);
`;
