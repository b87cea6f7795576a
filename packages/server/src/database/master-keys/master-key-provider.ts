/** Provides the master keys of a process. Read once, at its start. */
export interface MasterKeyProvider {
  /** The location of the keys, for messages. */
  readonly place: string
  /**
   * Returns the ring in the format of `Keyring.parse`, newest first. Throws the codes of
   * StartupFailure.
   */
  read(): Promise<string>
}
