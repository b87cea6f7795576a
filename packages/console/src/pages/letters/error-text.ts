/** The meanings of the codes of a failed attempt, the more exact ones first. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'The mail server does not accept connections.'],
  [/ENOTFOUND|EAI_AGAIN|EDNS/, 'The name of the mail server is not found.'],
  [/ETIMEDOUT|ECONNECTION|ESOCKET ?$/, 'The mail server does not answer.'],
  [/CERT|SELF_SIGNED|ETLS/, 'The certificate of the mail server is not trusted, or TLS has failed.'],
  [/EAUTH|\b53[05]\b/, 'The mail server refuses the login.'],
  [/\b4\.7\.1\b|\b451\b/, 'The mail server asks to try later, as greylisting does.'],
  [/\b552\b|\b5\.2\.2\b|\b4\.2\.2\b/, 'The mailbox is full.'],
  [/\b4\d\d\b/, 'The mail server asks to try later.'],
  [/\b5\d\d\b/, 'The mail server refuses the letter.'],
]

/** Returns the codes of a failed attempt with their meaning. */
export function errorText(codes: string): string {
  const meaning = meanings.find(([pattern]) => pattern.test(codes))?.[1]
  return meaning === undefined ? codes : `${meaning} (${codes})`
}
