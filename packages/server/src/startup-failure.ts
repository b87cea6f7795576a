/** Thrown if the program cannot start or a command cannot run, with a stable code and a hint. */
export class StartupFailure extends Error {
  override readonly name = 'StartupFailure'
  readonly code: StartupFailureCode
  readonly hint: string

  constructor(code: StartupFailureCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.hint = hint
  }
}

/**
 * The codes of startup failures. A code is never renamed, and a retired one never reused. Commands
 * also report codes of the library, such as `schema_too_new`.
 */
export type StartupFailureCode =
  | 'data_folder_unusable'
  | 'data_missing'
  | 'database_unavailable'
  | 'database_rights_missing'
  | 'sqlite_faulty'
  | 'master_key_file_missing'
  | 'master_key_file_exposed'
  | 'master_key_file_malformed'
  | 'kms_unavailable'
  | 'kms_refused'
  | 'wrapped_master_keys_wrong'
  | 'pepper_missing'
  | 'letters_invalid'
  | 'port_in_use'
  | 'address_unusable'
  | 'command_refused'
  | 'interrupted'
  | 'unhealthy'
  | 'token_refused'
  | 'import_incomplete'
  | 'backup_exists'
  | 'backup_failed'
  | 'backup_unusable'
  | 'restore_target_exists'
  | 'server_running'
  | 'shared_cache_unavailable'
  | 'audit_chain_broken'
