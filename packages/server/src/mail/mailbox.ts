/** Domains that share the mailboxes of another domain. */
const aliases: Readonly<Record<string, string>> = { 'googlemail.com': 'gmail.com' }

/**
 * Returns the mailbox that a canonical address most likely belongs to: without a `+tag` and without
 * dots before the `@`. Only for counting: two mailboxes with the same result share a quota.
 */
export function mailboxOf(email: string): string {
  const at = email.lastIndexOf('@')
  const local = email.slice(0, at)
  const domain = email.slice(at + 1)
  const [user = ''] = local.split('+')
  const bare = user.replaceAll('.', '')
  return `${bare === '' ? local : bare}@${aliases[domain] ?? domain}`
}
