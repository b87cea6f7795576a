/**
 * Returns an address that its owner can recognise, and that cannot be written to: the first
 * character before the "@", and the domain.
 */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  const [first = ''] = address
  return at < 1 ? '…' : `${first}…${address.slice(at)}`
}
