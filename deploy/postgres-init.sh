#!/bin/sh
# Runs once, when the database volume is empty: creates the same two roles and database as the embedded server.
set -eu
: "${OWNER_PASSWORD:?the password of liftos_owner}" "${APP_PASSWORD:?the password of liftos_app}"

# The passwords go in as psql variables, which quotes them; \getenv keeps them off the command line.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname template1 <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE ROLE liftos_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE liftos_app LOGIN PASSWORD :'app_password';
CREATE EXTENSION IF NOT EXISTS vector;
\connect postgres
CREATE DATABASE liftos OWNER liftos_owner;
SQL
