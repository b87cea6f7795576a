const general =
  'Check that the database runs and is the primary, that this machine can reach it, and that the address and the user are right.'

/** The hint for each SQLSTATE with which PostgreSQL refuses a connection. */
const bySqlState: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password in DATABASE_URL. Percent-encode characters such as "@", "/" and "%" in them.',
  '28000':
    'Allow this user from this machine in pg_hba.conf. If it requires TLS, add "sslmode=verify-full" to DATABASE_URL.',
  '3D000': 'Create the database, or correct its name in DATABASE_URL.',
}

/** Codes of Node.js and OpenSSL for certificate errors. */
const certificateCode = /CERT|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL|EPROTO/

/** Returns the hint for a failed connection to a database. */
export function connectionRemedy(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    const remedy = bySqlState[code]
    if (remedy !== undefined) return remedy
    if (certificateCode.test(code)) {
      return 'Add "sslrootcert=/path/ca.pem" with the certificate of its CA to DATABASE_URL, and use the host name of its certificate.'
    }
    if (cause.message.includes('does not support SSL')) {
      return 'Turn on TLS in PostgreSQL, or set "sslmode=disable" if the network is trusted.'
    }
  }
  return general
}
