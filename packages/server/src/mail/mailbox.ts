/** Domains whose mail arrives in the mailboxes of another one. */
const aliases: Readonly<Record<string, string>> = { 'googlemail.com': 'gmail.com' }

/**
 * Returns the mailbox that a canonical address most likely belongs to: without a `+tag`, without dots before the `@`. Only for
 * counting: two people who share a result share a quota, and nothing else.
 */
export function mailboxOf(email: string): string {
  const at = email.lastIndexOf('@')
  const local = email.slice(0, at)
  const domain = email.slice(at + 1)
  const [user = ''] = local.split('+')
  const bare = user.replaceAll('.', '')
  return `${bare === '' ? local : bare}@${aliases[domain] ?? domain}`
}
