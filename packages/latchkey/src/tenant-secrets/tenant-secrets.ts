import { TenantSecretSource } from './tenant-secret-source.js'
import type { TenantSecrets } from './tenant-secrets-api.js'
import type { TenantSecretsOptions } from './tenant-secrets-options.js'

/**
 * Creates the key source with a secret for every tenant. It connects at its first use.
 *
 * @returns the key source, to be closed by the caller
 * @throws TypeError for invalid options
 * @example
 * ```ts
 * import { tenantSecrets } from 'latchkey'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * ```
 */
export function tenantSecrets<Client = unknown>(options: TenantSecretsOptions<Client>): TenantSecrets<Client> {
  return new TenantSecretSource(options)
}
