/** The options of a `Server` of Socket.IO that are read. */
interface ServerOptions {
  readonly connectionStateRecovery?: { readonly skipMiddlewares?: boolean }
}

/**
 * Throws a TypeError unless this is a server or a namespace of Socket.IO whose clients all pass its
 * middleware. A client that recovers its state could else connect with a token that was revoked.
 */
export function checkNamespace(namespace: { readonly use: unknown; readonly prependListener: unknown }): void {
  if (typeof namespace?.use !== 'function' || typeof namespace.prependListener !== 'function') {
    throw new TypeError('guardNamespace needs a Server or a Namespace of Socket.IO.')
  }
  const { opts, server } = namespace as {
    readonly opts?: ServerOptions
    readonly server?: { readonly opts?: ServerOptions }
  }
  const recovery = (opts ?? server?.opts)?.connectionStateRecovery
  if (recovery !== undefined && recovery.skipMiddlewares !== false) {
    throw new TypeError(
      'Recovered connections would skip the guard: set connectionStateRecovery: { skipMiddlewares: false } of the server.',
    )
  }
}
