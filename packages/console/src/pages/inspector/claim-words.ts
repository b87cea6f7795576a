/** The meaning of the members of headers and claims, in the words of their RFCs. */
export const claimWords: Readonly<Record<string, string>> = {
  alg: 'Algorithm of the signature',
  typ: 'Type of the token',
  kid: 'Key that has signed it',
  iss: 'Issuer: the server that has issued it',
  sub: 'Subject: the account or client that it speaks for',
  aud: 'Audience: the API that it is for',
  exp: 'Expires at',
  iat: 'Issued at',
  nbf: 'Not valid before',
  jti: 'Number of the token',
  sid: 'Session',
  client_id: 'Client that it was issued to',
  auth_time: 'Last authentication of the user',
  acr: 'Level of that authentication; aal2 has two factors',
  amr: 'Methods of that authentication',
  role: 'Right in this server',
  roles: 'Roles in applications',
  scope: 'Scope in applications',
  act: 'Actor: the administrator or client that acts for the subject',
  crit: 'Extensions that must be understood; this server refuses them',
  jku: 'URL of a key; this server refuses it',
  jwk: 'A key of its own; this server refuses it',
}

/** The claims that are dates in seconds (RFC 7519 §2). */
export const dateClaims: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'auth_time'])
