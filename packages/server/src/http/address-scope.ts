import { AsyncLocalStorage } from 'node:async_hooks'
import type { App } from './app.js'
import { clientAddress } from './client-address.js'

/** Holds the client address of the request in whose asynchronous context the caller runs. */
export class AddressScope {
  readonly #addresses = new AsyncLocalStorage<string>()

  /** Returns the address; `undefined` outside of requests. */
  get current(): string | undefined {
    return this.#addresses.getStore()
  }

  /**
   * Sets the address for all requests of an app. Call it before adding hooks and routes that read
   * it.
   */
  cover(app: App): void {
    // `run` ends with the request; `enterWith` would leak into the next request of the connection.
    app.addHook('onRequest', (request, _reply, done) => this.#addresses.run(clientAddress(request), done))
  }
}
