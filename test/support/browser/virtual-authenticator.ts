import type { CDPSession, Page } from 'playwright-core'

/** A passkey that a virtual authenticator holds. */
export interface HeldPasskey {
  readonly id: string
  readonly rpId: string | undefined
  readonly userName: string | undefined
  readonly signCount: number
  readonly isResident: boolean
}

/** The behaviour of the user of an authenticator. */
export interface AuthenticatorOptions {
  /** Whether the user passes verification, as by a fingerprint. @defaultValue true */
  readonly isUserVerified?: boolean
  /** Whether the user touches the authenticator at once. @defaultValue true */
  readonly isPresent?: boolean
}

/**
 * A platform authenticator (CTAP 2.1, discoverable credentials, user verification) that Chromium
 * emulates for one tab. It keeps its passkeys over navigations.
 */
export class VirtualAuthenticator {
  readonly #session: CDPSession
  readonly #id: string

  private constructor(session: CDPSession, id: string) {
    this.#session = session
    this.#id = id
  }

  static async add(page: Page, options: AuthenticatorOptions = {}): Promise<VirtualAuthenticator> {
    const { isUserVerified = true, isPresent = true } = options
    const session = await page.context().newCDPSession(page)
    await session.send('WebAuthn.enable', { enableUI: false })
    const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified,
        automaticPresenceSimulation: isPresent,
      },
    })
    return new VirtualAuthenticator(session, authenticatorId)
  }

  /** The passkeys that it holds. */
  async passkeys(): Promise<readonly HeldPasskey[]> {
    const { credentials } = await this.#session.send('WebAuthn.getCredentials', { authenticatorId: this.#id })
    return credentials.map(({ credentialId, rpId, userName, signCount, isResidentCredential }) => ({
      id: Buffer.from(credentialId, 'base64').toString('base64url'),
      rpId,
      userName,
      signCount,
      isResident: isResidentCredential,
    }))
  }

  /** Sets whether the user passes verification from now on. */
  async setUserVerified(isUserVerified: boolean): Promise<void> {
    await this.#session.send('WebAuthn.setUserVerified', { authenticatorId: this.#id, isUserVerified })
  }

  /** Sets whether the user touches the authenticator when a page asks. */
  async setPresent(enabled: boolean): Promise<void> {
    await this.#session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: this.#id, enabled })
  }

  /** Takes the authenticator, with its passkeys, away. */
  async remove(): Promise<void> {
    await this.#session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: this.#id })
    await this.#session.detach()
  }
}
