/** What the end of all sessions will do. */
export function RevokeAllEffects() {
  return (
    <ul>
      <li>Every session and every token of all accounts and clients ends, on every server.</li>
      <li>All users sign in again with the same password and factors. Clients request a new token.</li>
      <li>
        <strong>You are signed out as well</strong>, as the last one. No account is exempt, because an exemption would
        also be one for a thief in a stolen session. Sign in again: this page then shows the result.
      </li>
      <li>It can be stopped and continued. It cannot be undone.</li>
    </ul>
  )
}

/** What the replacement of all keys will do. */
export function ReplaceKeysEffects() {
  return (
    <ul>
      <li>
        Every key that the server keeps is replaced: tenant secrets, and the keys of refresh tokens, session IDs, device
        tokens, the audit log, e-mails, key IDs and Redis entries, and the key pairs for other services.
      </li>
      <li>
        Every session, token, mailed link and trust in a device ends, and waiting e-mails are dropped.{' '}
        <strong>You are signed out as well.</strong> Sign in again: this page then shows the result.
      </li>
      <li>Other services refuse new tokens until they have read the key set (JWKS) again, at most minutes.</li>
      <li>It can be stopped and continued. It cannot be undone.</li>
    </ul>
  )
}
