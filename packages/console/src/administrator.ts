import { signal } from '@preact/signals'
import { answer, api } from './api/client.js'
import type { components } from './api/schema.js'

/** The account that is signed in to the console. */
export type SignedInAccount = components['schemas']['Account']

/** The account that is signed in; `undefined` until it is known. */
export const administrator = signal<SignedInAccount | undefined>(undefined)

/** Reads the account of the session. */
export async function loadAdministrator(): Promise<SignedInAccount> {
  administrator.value = await answer(api.GET('/v1/me'))
  return administrator.value
}

/** Returns whether the account may change what it sees; if not, it may only read. */
export function mayChange(): boolean {
  return administrator.value?.role === 'admin'
}
