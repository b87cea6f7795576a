/** Where a process has its master keys from. It asks once, when it starts. */
export interface MasterKeyProvider {
  /** Where the keys are, for people. */
  readonly place: string
  /** The ring as `Keyring.parse` takes it, newest first. Fails with the codes of StartupFailure. */
  read(): Promise<string>
}
