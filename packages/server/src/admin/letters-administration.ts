import type { Core } from '../core.js'
import { type LetterRecord, listLetters, recordLetter } from '../mail/letter-log.js'
import { maskAddress } from '../mail/mask-address.js'
import type { Outbox, WaitingLetter } from '../mail/outbox.js'
import type { ActingAdministrator, AdministratorRights } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** The state of the outbox. */
export interface OutboxState {
  /** Whether this server can send e-mail. */
  readonly isEnabled: boolean
  /** The number of waiting letters, at most 10,000. */
  readonly waiting: number
  /** When the next letter is due, in milliseconds since 1970. */
  readonly nextDueAt: number | null
}

/**
 * The letters of the server: those that wait, and the records of those that have left. Recipients
 * are masked, and no text or link is returned. Changes throw as `AdministratorRights.lock` does.
 */
export class LettersAdministration {
  readonly #core: Pick<Core, 'store' | 'audit' | 'clock'>
  readonly #outbox: Outbox
  readonly #rights: AdministratorRights

  constructor(
    core: Pick<Core, 'store' | 'audit' | 'clock'>,
    { outbox, rights }: { readonly outbox: Outbox; readonly rights: AdministratorRights },
  ) {
    this.#core = core
    this.#outbox = outbox
    this.#rights = rights
  }

  /** Returns the state of the outbox. */
  async state(): Promise<OutboxState> {
    return { isEnabled: this.#outbox.enabled, ...(await this.#outbox.count()) }
  }

  /** Returns waiting letters, oldest first. */
  async listWaiting({ after, limit }: { after: string; limit: number }): Promise<Page<WaitingLetter>> {
    const { items, next } = pageOf(await this.#outbox.list({ after, limit: limit + 1 }), limit)
    return { items: items.map(masked), next }
  }

  /** Returns the records of letters that have left, newest first; with `account` only its own. */
  async listSent({
    limit,
    ...query
  }: {
    account: string | undefined
    before: string | undefined
    limit: number
  }): Promise<Page<LetterRecord>> {
    return pageOf(await listLetters(this.#core.store, { ...query, limit: limit + 1 }), limit)
  }

  /**
   * Makes a waiting letter due now.
   *
   * @throws Problem `letter_unknown`, `letter_sending`
   */
  retry(by: ActingAdministrator, id: string): Promise<WaitingLetter> {
    const { store, audit } = this.#core
    return store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const letter = await this.#outbox.hasten(client, id)
      const { account, kind } = letter
      await audit.done(client, 'letter_retry', by, { account, detail: { letter: id, kind } })
      return masked(letter)
    })
  }

  /**
   * Deletes a waiting letter, so that it is never sent.
   *
   * @throws Problem `letter_unknown`, `letter_sending`
   */
  async drop(by: ActingAdministrator, id: string): Promise<void> {
    const { store, audit, clock } = this.#core
    await store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const { account, kind } = await this.#outbox.drop(client, id)
      // A request has no template yet.
      if (!kind.startsWith('ask_')) await recordLetter(client, recordOf({ id, account, kind, at: clock.now() }))
      await audit.done(client, 'letter_drop', by, { account, detail: { letter: id, kind } })
    })
  }
}

function recordOf(letter: Pick<WaitingLetter, 'id' | 'account' | 'kind'> & { readonly at: number }): LetterRecord {
  return { ...letter, kind: letter.kind as LetterRecord['kind'], outcome: 'dropped' }
}

function masked(letter: WaitingLetter): WaitingLetter {
  return { ...letter, to: letter.to === null ? null : maskAddress(letter.to) }
}
