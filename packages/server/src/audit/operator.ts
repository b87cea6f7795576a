/** The operator at the command line, who holds the master keys: trusted, without a session. */
export const operator = { accountId: 'cli', address: null, sessionId: undefined } as const
