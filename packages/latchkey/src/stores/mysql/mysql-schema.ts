import type { MigrationSet } from '../sql/migration-set.js'

/**
 * The tables of the library in MySQL, with the columns that `schema` has in the other databases.
 *
 * MySQL commits before and after each statement that defines a table. Each statement therefore has
 * no effect where it was run before, so that a migration that was interrupted can run again.
 *
 * Texts are bytes (`varbinary`): the collations of MySQL compare `a` with `A`, `á` or `a ` as equal
 * in different ways, and two tenants must never be.
 */
export const mysqlSchema: MigrationSet = {
  name: 'latchkey',
  migrations: [
    {
      name: 'tenants, their secrets and the log',
      sql: `
        create table if not exists latchkey_tenants (
          tenant_id varbinary(765) not null primary key,
          version bigint not null,
          disabled_at bigint,
          created_at bigint not null,
          changed_at bigint not null,
          grants_key_id varbinary(255),
          grants_sealed mediumblob,
          revoked_at bigint,
          forgotten_until bigint,
          first_kid varbinary(255),
          key latchkey_tenants_grants_key (grants_key_id),
          key latchkey_tenants_forgotten (forgotten_until)
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_secrets (
          kid varbinary(255) not null primary key,
          tenant_id varbinary(765) not null,
          generation bigint not null,
          algorithm varbinary(32) not null,
          master_key_id varbinary(255) not null,
          sealed mediumblob not null,
          created_at bigint not null,
          retires_at bigint,
          reissue_required integer not null,
          unique key latchkey_secrets_generation (tenant_id, generation),
          key latchkey_secrets_master_key (master_key_id),
          key latchkey_secrets_retired (retires_at),
          constraint latchkey_secrets_tenant foreign key (tenant_id) references latchkey_tenants (tenant_id) on delete cascade
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_ended_sessions (
          tenant_id varbinary(765) not null,
          session_id varbinary(255) not null,
          until bigint not null,
          primary key (tenant_id, session_id),
          key latchkey_ended_sessions_until (until),
          constraint latchkey_ended_sessions_tenant foreign key (tenant_id) references latchkey_tenants (tenant_id) on delete cascade
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_sessions (
          session_id varbinary(255) not null primary key,
          tenant_id varbinary(765) not null,
          first_kid varbinary(255) not null,
          salt varbinary(255) not null,
          counter bigint not null,
          forks bigint not null,
          is_repeated integer not null,
          repeated_run bigint not null,
          device varbinary(255),
          user_agent varbinary(255),
          address varbinary(255),
          network varbinary(255),
          created_at bigint not null,
          rotated_at bigint not null,
          used_at bigint not null,
          ends_at bigint not null,
          expires_at bigint not null,
          ended_at bigint,
          grace_uses bigint not null,
          grace_used_at bigint,
          key latchkey_sessions_end (ends_at),
          constraint latchkey_sessions_tenant foreign key (tenant_id) references latchkey_tenants (tenant_id) on delete cascade
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_changes (
          seq bigint not null primary key,
          tenant_id varbinary(765) not null,
          at bigint not null,
          is_request integer not null,
          key latchkey_changes_at (at)
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_settings (
          name varbinary(255) not null primary key,
          master_key_id varbinary(255) not null,
          sealed mediumblob not null
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_key_pairs (
          kid varbinary(255) not null primary key,
          algorithm varbinary(32) not null,
          stage varbinary(32) not null,
          public_jwk mediumblob not null,
          master_key_id varbinary(255) not null,
          sealed mediumblob not null,
          created_at bigint not null,
          retires_at bigint
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_verifiers (
          verifier_id varbinary(255) not null primary key,
          max_staleness_ms bigint not null,
          listed_until bigint not null,
          acknowledged bigint not null default 0
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_master_key_use (
          master_key_id varbinary(255) not null primary key,
          seals bigint not null
        ) engine = innodb row_format = dynamic;
        create table if not exists latchkey_history (
          id integer not null primary key,
          epoch bigint not null,
          server varbinary(1020) not null,
          pruned_to bigint not null,
          last_change bigint not null
        ) engine = innodb row_format = dynamic;
        insert into latchkey_history (id, epoch, server, pruned_to, last_change) values (1, 0, '', 0, 0)
        on duplicate key update id = id;`,
    },
  ],
}
