/**
 * The tables of the server, beside those of the library in the same database. Times are
 * milliseconds since 1970. The names of migrations are stored, but not compared.
 */
export const serverMigrations = {
  name: 'server',
  migrations: [
    {
      name: 'accounts, sessions and the audit log',
      sql: `
        create table server_accounts (
          id text primary key references latchkey_tenants (tenant_id),
          email text not null unique,
          name text,
          role text not null,
          password_hash text not null,
          created_at bigint not null,
          signed_in_at bigint,
          disabled_at bigint
        );
        create table server_sessions (
          id text primary key,
          account_id text not null references server_accounts (id) on delete cascade,
          salt text not null,
          counter bigint not null,
          user_agent text,
          address text,
          created_at bigint not null,
          last_used_at bigint not null,
          rotated_at bigint not null,
          expires_at bigint not null,
          ended_at bigint,
          end_reason text
        );
        create index server_sessions_of_account on server_sessions (account_id);
        create index server_sessions_by_expiry on server_sessions (expires_at);
        create table server_audit (
          id text primary key,
          at bigint not null,
          event text not null,
          outcome text not null,
          actor text,
          account_id text,
          session_id text,
          address text
        );
        create index server_audit_of_account on server_audit (account_id, id)
      `,
    },
    {
      name: 'rate limits',
      sql: `
        create table server_rate_limits (
          key text primary key,
          points integer not null default 0,
          expire bigint
        );
        create index server_rate_limits_by_expiry on server_rate_limits (expire)
      `,
    },
    {
      // Entries of older versions have no tag, so they cannot be verified.
      name: 'an audit log with a verifiable chain',
      sql: `
        drop table server_audit;
        create table server_audit (
          id text primary key,
          at bigint not null,
          event text not null,
          outcome text not null,
          actor text,
          account_id text,
          session_id text,
          address text,
          tag text not null,
          seq bigint unique,
          link text
        );
        create index server_audit_of_account on server_audit (account_id, id);
        create index server_audit_of_event on server_audit (event, id);
        create index server_audit_unsealed on server_audit (id) where seq is null;
        create table server_audit_marks (
          name text primary key,
          seq bigint not null,
          link text not null,
          tag text not null
        )
      `,
    },
    {
      // Session IDs of older versions would count as forged.
      name: 'sessions with authenticated IDs',
      sql: 'delete from server_sessions',
    },
    {
      name: 'buckets for password guesses',
      sql: `
        create table server_guess_lanes (
          name text primary key,
          failures integer not null,
          last_at bigint not null,
          known_until bigint not null
        );
        create index server_guess_lanes_by_age on server_guess_lanes (last_at)
      `,
    },
    {
      // Names separated by spaces; empty for none.
      name: 'roles and scopes for applications',
      sql: `
        alter table server_accounts add column roles text not null default '';
        alter table server_accounts add column scope text not null default ''
      `,
    },
    {
      name: 'OAuth clients',
      sql: `
        create table server_clients (
          id text primary key references latchkey_tenants (tenant_id),
          name text not null,
          scope text not null,
          may_introspect integer not null,
          created_at bigint not null,
          disabled_at bigint
        );
        create table server_client_secrets (
          id text primary key,
          client_id text not null references server_clients (id) on delete cascade,
          hash text not null,
          created_at bigint not null,
          last_used_at bigint,
          retires_at bigint
        );
        create index server_client_secrets_of_client on server_client_secrets (client_id)
      `,
    },
    {
      name: 'mail and one-time links',
      sql: `
        alter table server_accounts add column email_verified_at bigint;
        create table server_one_time_tokens (
          hash text primary key,
          purpose text not null,
          account_id text references server_accounts (id) on delete cascade,
          data text not null,
          expires_at bigint not null,
          unique (account_id, purpose)
        );
        create index server_one_time_tokens_by_expiry on server_one_time_tokens (expires_at);
        create table server_outbox (
          id text primary key,
          sealed text not null,
          attempts integer not null,
          due_at bigint not null
        );
        create index server_outbox_by_due on server_outbox (due_at);
        create table server_mail_counts (
          name text primary key,
          letters integer not null,
          ends_at bigint not null
        )
      `,
    },
    {
      // One row at most.
      name: 'the rotation of all secrets',
      sql: `
        create table server_rotations (
          name text primary key,
          state text not null,
          older_than bigint not null,
          rate_per_minute integer not null,
          canary integer not null,
          rotated integer not null,
          failed text not null,
          remaining integer not null,
          estimated_end bigint not null,
          runner text not null,
          runner_until bigint not null
        )
      `,
    },
    {
      // Each start finds the accounts without grants among a million.
      name: 'accounts with rights',
      runsFrom: 9,
      sql: `
        create index server_accounts_with_rights on server_accounts (id)
        where role <> 'user' or roles <> '' or scope <> ''
      `,
    },
    {
      // Each row of `server_locks` is a lock that belongs to no other row.
      name: 'an index of administrators',
      sql: `
        create table server_locks (name text primary key);
        create index server_accounts_administrators on server_accounts (id) where role = 'admin' and disabled_at is null
      `,
    },
    {
      // The defaults are right for existing sessions: no forks, no device, no repeats.
      name: 'uses of replaced refresh tokens',
      sql: `
        alter table server_sessions add column device text;
        alter table server_sessions add column forks bigint not null default 0;
        alter table server_sessions add column repeats integer not null default 0;
        alter table server_sessions add column repeated_run integer not null default 0;
        alter table server_sessions add column grace_uses bigint not null default 0;
        alter table server_sessions add column grace_used_at bigint;
        alter table server_sessions add column grace_address text
      `,
    },
    {
      // JSON or null. Entries without it keep their tags.
      name: 'details in the audit log',
      sql: 'alter table server_audit add column detail text',
    },
    {
      // Older versions can run on this schema, but verify no entry from before a replacement of the
      // keys.
      name: 'segments of the audit log under replaced keys',
      sql: `
        create table server_audit_segments (
          id text primary key,
          seq bigint not null,
          link text not null,
          sealed_key text not null,
          tag text not null
        )
      `,
      runsFrom: 13,
    },
    {
      // `account`: a keyed hash of the account of the device or network; null in rows of older
      // versions.
      name: 'consecutive failures, and the devices of an account',
      sql: `
        alter table server_guess_lanes add column misses integer not null default 0;
        alter table server_guess_lanes add column account text;
        create index server_guess_lanes_of_account on server_guess_lanes (account)
      `,
    },
    {
      // The program folds the text. Older versions leave it null, and a job fills it in later.
      name: 'search texts of accounts',
      sql: `
        alter table server_accounts add column search_text text;
        create index server_accounts_without_search_text on server_accounts (id) where search_text is null
      `,
      runsFrom: 15,
    },
    {
      // `hash`: null until the e-mail with the link is written. `mailed_at`: null if an
      // administrator received the link.
      name: 'invitations',
      sql: `
        create table server_invitations (
          id text primary key,
          email text not null unique,
          hash text unique,
          invited_by text not null,
          created_at bigint not null,
          expires_at bigint not null,
          mailed_at bigint
        );
        create index server_invitations_by_expiry on server_invitations (expires_at)
      `,
      runsFrom: 15,
    },
    {
      // A JSON object.
      name: 'profiles of accounts',
      sql: `alter table server_accounts add column profile text not null default '{}'`,
      runsFrom: 15,
    },
    {
      // One row at most.
      name: 'the time of the last backup',
      runsFrom: 15,
      sql: `
        create table server_backups (
          name text primary key,
          at bigint not null
        )
      `,
    },
    {
      // Older versions would sign in without the second factor, so they must not run on this schema.
      // `data`: JSON. `confirmed_at`: null until the owner has used the factor once.
      // `authenticated_at`: null in sessions of older versions, which began with the password.
      // `second_factor`: 1 while the account has a confirmed factor. It is a column of the account,
      // because a statement that waits for the row of the account sees its newest version alone.
      // `factor_reset_at`: when all factors end, because an administrator has asked for it.
      name: 'sign-in factors',
      sql: `
        create table server_factors (
          id text primary key,
          account_id text not null references server_accounts (id) on delete cascade,
          kind text not null,
          name text not null,
          credential_id text unique,
          data text not null,
          created_at bigint not null,
          confirmed_at bigint,
          last_used_at bigint
        );
        create index server_factors_of_account on server_factors (account_id);
        create table server_recovery_codes (
          account_id text not null references server_accounts (id) on delete cascade,
          hash text not null,
          primary key (account_id, hash)
        );
        create table server_challenges (
          hash text primary key,
          purpose text not null,
          account_id text references server_accounts (id) on delete cascade,
          session_id text,
          data text not null,
          expires_at bigint not null
        );
        create index server_challenges_of_account on server_challenges (account_id);
        create index server_challenges_by_expiry on server_challenges (expires_at);
        create table server_trusted_devices (
          name text primary key,
          account_id text not null references server_accounts (id) on delete cascade,
          user_agent text,
          created_at bigint not null,
          expires_at bigint not null
        );
        create index server_trusted_devices_of_account on server_trusted_devices (account_id);
        alter table server_sessions add column amr text not null default 'pwd';
        alter table server_sessions add column authenticated_at bigint;
        alter table server_accounts add column locale text;
        alter table server_accounts add column second_factor integer not null default 0;
        alter table server_accounts add column factor_reset_at bigint;
        create index server_accounts_by_factor_reset on server_accounts (factor_reset_at)
        where factor_reset_at is not null
      `,
    },
    {
      // A session changes its ID when its owner authenticates again.
      name: 'audiences of sessions',
      sql: `
        create table server_session_audiences (
          session_id text not null references server_sessions (id) on update cascade on delete cascade,
          audience text not null,
          first_used_at bigint not null,
          last_used_at bigint not null,
          primary key (session_id, audience)
        )
      `,
    },
    {
      // One row for each kind of task, of its last run.
      name: 'tasks on all accounts or keys',
      runsFrom: 20,
      sql: `
        create table server_tasks (
          kind text primary key,
          state text not null,
          started_by text not null,
          started_at bigint not null,
          ended_at bigint,
          step text not null,
          done bigint not null,
          total bigint,
          code text,
          runner text not null,
          runner_until bigint not null
        )
      `,
    },
    {
      // The processes that report their state, while an administrator watches. Times are those of
      // the database. `watches_until`: until then the process reads the reports of the others.
      // `sample`: JSON.
      name: 'reports of processes',
      runsFrom: 20,
      sql: `
        create table server_processes (
          id text primary key,
          name text not null,
          started_at bigint not null,
          seen_at bigint not null,
          watches_until bigint not null,
          sample text not null
        )
      `,
    },
    {
      // `last_error`: codes of the last attempt; null while an attempt is in progress, and before the
      // first one. `server_letters` has no text, link or address of a letter.
      name: 'letters that were sent',
      sql: `
        alter table server_outbox add column last_error text;
        create table server_letters (
          id text primary key,
          account_id text references server_accounts (id) on delete cascade,
          kind text not null,
          at bigint not null,
          outcome text not null
        );
        create index server_letters_of_account on server_letters (account_id, id);
        create index server_letters_by_age on server_letters (at)
      `,
      runsFrom: 20,
    },
    {
      // A row of `server_impersonations` remains until the end of its session is in the audit log,
      // so that it refers to no session and no account: they may be deleted before.
      name: 'impersonation',
      sql: `
        alter table server_sessions add column impersonated_by text;
        create table server_impersonations (
          session_id text primary key,
          account_id text not null,
          impersonator text not null,
          impersonator_session text not null,
          reason text not null,
          began_at bigint not null,
          ends_at bigint not null
        );
        create index server_impersonations_by_session on server_impersonations (impersonator_session)
      `,
    },
    {
      // Every server process asks every few seconds whether a process watches.
      name: 'an index of the processes that watch',
      sql: 'create index server_processes_by_watch on server_processes (watches_until)',
    },
  ],
} as const
