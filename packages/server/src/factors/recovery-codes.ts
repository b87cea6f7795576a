import { createHash, randomBytes } from 'node:crypto'
import type { SqlClient } from 'latchkey/sql'

/** The number of recovery codes that an account gets. */
export const recoveryCodeCount = 10

/** Crockford's Base32, which has no letters I, L, O and U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/**
 * 120 random bits. From 112 on, a plain hash is enough (OWASP ASVS 5.0, 6.5.2; NIST SP 800-63B-4
 * §3.1.2.2). A hash without a key also survives a replacement of all keys.
 */
const codeLength = 24
const groupLength = 6

/**
 * Replaces all recovery codes of the account by new ones, in the caller's transaction, which has
 * locked the account.
 *
 * @returns the new codes, of which only hashes are stored
 */
export async function replaceRecoveryCodes(client: SqlClient, accountId: string): Promise<readonly string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, newCode)
  await client.query('delete from server_recovery_codes where account_id = $1', [accountId])
  const places = codes.map((_, index) => `($1, $${index + 2})`).join(', ')
  await client.query(`insert into server_recovery_codes (account_id, hash) values ${places}`, [
    accountId,
    ...codes.map((code) => hashOf(accountId, code)),
  ])
  return codes
}

/**
 * Redeems a recovery code of the account, in the caller's transaction. One statement, so that only
 * one of several simultaneous uses succeeds.
 */
export async function redeemRecoveryCode(client: SqlClient, accountId: string, code: string): Promise<boolean> {
  const { rows } = await client.query(
    'delete from server_recovery_codes where account_id = $1 and hash = $2 returning hash',
    [accountId, hashOf(accountId, code)],
  )
  return rows.length === 1
}

/** Returns the number of recovery codes that the account has left. */
export async function countRecoveryCodes(client: SqlClient, accountId: string): Promise<number> {
  const { rows } = await client.query<{ count: number | string }>(
    'select count(*) as count from server_recovery_codes where account_id = $1',
    [accountId],
  )
  return Number(rows[0]?.count ?? 0)
}

/** Deletes all recovery codes of the account, in the caller's transaction. */
export async function deleteRecoveryCodes(client: SqlClient, accountId: string): Promise<void> {
  await client.query('delete from server_recovery_codes where account_id = $1', [accountId])
}

function newCode(): string {
  // 32 characters divide the values of a byte evenly.
  const characters = Array.from(randomBytes(codeLength), (byte) => alphabet.charAt(byte % alphabet.length))
  return characters.join('').replaceAll(new RegExp(`.{${groupLength}}(?!$)`, 'g'), '$&-')
}

/** Returns the hash of a code for this account, whatever its spelling. */
function hashOf(accountId: string, code: string): string {
  const canonical = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return createHash('sha256').update(`${accountId} ${canonical}`).digest('base64url')
}
