const general =
  'Check that it runs and is the primary, that this machine may reach it, and that the address and the user are right.'

/** What to do about the SQLSTATE that PostgreSQL refuses a connection with. */
const bySqlState: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password in DATABASE_URL; signs such as "@", "/" and "%" in them are percent-encoded.',
  '28000':
    'Let pg_hba.conf admit this user from this machine; where it asks for TLS, add "sslmode=verify-full" to DATABASE_URL.',
  '3D000': 'Create the database, or correct its name in DATABASE_URL.',
}

/** How Node.js and OpenSSL name what is wrong with a certificate. */
const certificateCode = /CERT|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL|EPROTO/

/** Returns what to do when a database cannot be connected to. */
export function connectionRemedy(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    const remedy = bySqlState[code]
    if (remedy !== undefined) return remedy
    if (certificateCode.test(code)) {
      return 'Name the certificate of its CA by "sslrootcert=/path/ca.pem" in DATABASE_URL, and the host as its certificate does.'
    }
    if (cause.message.includes('does not support SSL')) {
      return 'Turn TLS on at the server, or write "sslmode=disable" where the way to it is safe.'
    }
  }
  return general
}
