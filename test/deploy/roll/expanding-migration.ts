/** The changes that a release may add: a column, a table that refers to accounts, an index. */
export const expandingMigration = `
  alter table server_accounts add column nickname text;
  create table server_notes (
    id text primary key,
    account_id text not null references server_accounts (id) on delete cascade,
    note text not null
  );
  create index server_notes_of_account on server_notes (account_id)`
