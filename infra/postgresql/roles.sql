-- Two databases, each owned by a role that nobody else uses: Prefect's and the privacy ledger.
-- psql runs this once, when the server's data directory is new.
\set ON_ERROR_STOP on
\getenv prefect_password PREFECT_PASSWORD
\getenv ledger_password LEDGER_PASSWORD
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE ledger LOGIN PASSWORD :'ledger_password';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE ledger OWNER ledger;
REVOKE CONNECT ON DATABASE prefect, ledger FROM PUBLIC;
