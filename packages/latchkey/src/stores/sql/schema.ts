import type { MigrationSet } from './migration-set.js'
import { migrationsTable } from './migrations.js'

/**
 * The library's own tables. Times are in milliseconds since 1970, sealed values are base64url text.
 *
 * The version of a tenant is the number of its last row in `latchkey_changes`. All tenants share
 * one sequence, so that the version also grows when a tenant is deleted and created again.
 */
export const schema: MigrationSet = {
  name: 'latchkey',
  migrations: [
    {
      name: 'tenants and their secrets',
      sql: `
        create table latchkey_tenants (
          tenant_id text primary key,
          version bigint not null,
          disabled_at bigint,
          created_at bigint not null,
          changed_at bigint not null
        );
        create table latchkey_secrets (
          kid text primary key,
          tenant_id text not null references latchkey_tenants on delete cascade,
          generation bigint not null,
          algorithm text not null,
          master_key_id text not null,
          sealed text not null,
          created_at bigint not null,
          retires_at bigint,
          reissue_required integer not null,
          unique (tenant_id, generation)
        );
        create index latchkey_secrets_master_key on latchkey_secrets (master_key_id);
        create index latchkey_secrets_retired on latchkey_secrets (retires_at) where retires_at is not null;
        create table latchkey_ended_sessions (
          tenant_id text not null references latchkey_tenants on delete cascade,
          session_id text not null,
          until bigint not null,
          primary key (tenant_id, session_id)
        );
        create index latchkey_ended_sessions_until on latchkey_ended_sessions (until);
        create table latchkey_changes (
          seq {identity},
          tenant_id text not null,
          at bigint not null,
          transaction_id bigint
        );
        create index latchkey_changes_at on latchkey_changes (at);
        create table latchkey_settings (
          name text primary key,
          master_key_id text not null,
          sealed text not null
        );
        create table latchkey_key_pairs (
          kid text primary key,
          algorithm text not null,
          stage text not null,
          public_jwk text not null,
          master_key_id text not null,
          sealed text not null,
          created_at bigint not null,
          retires_at bigint
        );`,
    },
    {
      name: 'who verifies',
      sql: `
        create table latchkey_verifiers (
          verifier_id text primary key,
          max_staleness_ms bigint not null,
          listed_until bigint not null
        );`,
    },
    {
      // No `runsFrom`: an older program would take rights from claims, and change versions without
      // sealing the grants again.
      name: 'grants of tenants',
      sql: `
        alter table latchkey_tenants add column grants_key_id text;
        alter table latchkey_tenants add column grants_sealed text;
        create index latchkey_tenants_grants_key on latchkey_tenants (grants_key_id) where grants_key_id is not null;`,
    },
    {
      name: 'which history',
      // Programs that know the migration before can ignore the table.
      runsFrom: 3,
      sql: `
        create table latchkey_history (
          epoch bigint not null,
          server text not null,
          pruned_to bigint not null
        );
        insert into latchkey_history (epoch, server, pruned_to) values (0, '', 0);`,
    },
    {
      name: 'how much master keys have sealed',
      runsFrom: 3,
      sql: `
        create table latchkey_master_key_use (
          master_key_id text primary key,
          seals bigint not null
        );`,
    },
    {
      // No `runsFrom`: an older program takes each notification for a change, and not every change
      // is notified any more.
      name: 'acknowledgements in the leases',
      sql: `
        alter table latchkey_changes add column is_request integer not null default 0;
        alter table latchkey_verifiers add column acknowledged bigint not null default 0;
        create index latchkey_changes_transaction on latchkey_changes (transaction_id);`,
    },
    {
      // No `runsFrom`: an older program would revoke a tenant without recording the time, so that
      // its legacy tokens stayed valid. The last change of a row is not before its last revocation.
      name: 'when tenants were revoked',
      sql: `
        alter table latchkey_tenants add column revoked_at bigint;
        alter table latchkey_tenants add column forgotten_until bigint;
        create index latchkey_tenants_forgotten on latchkey_tenants (forgotten_until) where forgotten_until is not null;
        update latchkey_tenants set revoked_at = changed_at;`,
    },
    {
      // No `runsFrom`: an older program would revoke a tenant without its sessions. A session
      // belongs to the first of the secrets that its tenant had: see `SessionStore`.
      name: 'sessions',
      sql: `
        alter table latchkey_tenants add column first_kid text;
        update latchkey_tenants set first_kid = (
          select kid from latchkey_secrets s where s.tenant_id = latchkey_tenants.tenant_id and s.retires_at is null);
        create table latchkey_sessions (
          session_id text primary key,
          tenant_id text not null references latchkey_tenants on delete cascade,
          first_kid text not null,
          salt text not null,
          counter bigint not null,
          forks bigint not null,
          is_repeated integer not null,
          repeated_run bigint not null,
          device text,
          user_agent text,
          address text,
          network text,
          created_at bigint not null,
          rotated_at bigint not null,
          used_at bigint not null,
          ends_at bigint not null,
          expires_at bigint not null,
          ended_at bigint,
          grace_uses bigint not null,
          grace_used_at bigint
        );
        create index latchkey_sessions_tenant on latchkey_sessions (tenant_id);
        create index latchkey_sessions_end on latchkey_sessions (ends_at);`,
    },
  ],
}

/** Returns the names of the library's tables. */
export function libraryTables(): readonly string[] {
  const created = schema.migrations.flatMap(({ sql }) => [...sql.matchAll(/create table (\w+)/g)])
  return [migrationsTable, ...created.map(([, name = '']) => name)]
}
