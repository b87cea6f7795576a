import { AsyncLocalStorage } from 'node:async_hooks'
import type { App } from './app.js'
import { clientAddress } from './client-address.js'

/** Knows the client address of the request in whose asynchronous context the caller runs. */
export class AddressScope {
  readonly #addresses = new AsyncLocalStorage<string>()

  /** Returns the address; `undefined` outside of requests. */
  get current(): string | undefined {
    return this.#addresses.getStore()
  }

  /** Covers the requests of an app: goes before every hook and route that asks for the address. */
  cover(app: App): void {
    // `run` ends with the request; `enterWith` would stay with a connection that is kept for the next one.
    app.addHook('onRequest', (request, _reply, done) => this.#addresses.run(clientAddress(request), done))
  }
}
