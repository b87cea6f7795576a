import type { Account } from '../accounts/account-table.js'
import type { Application } from '../accounts/own-applications.js'
import type { FactorOverview } from '../accounts/own-factors.js'
import { profileOf } from '../accounts/profiles.js'
import type { SignedIn } from '../accounts/signed-in.js'
import { deviceName } from '../device-name.js'
import type { Factor } from '../factors/factor-table.js'
import { isExposed } from '../factors/totp.js'
import { levelOf, methodsIn } from '../sessions/auth-methods.js'
import type { Session } from '../sessions/session-table.js'
import type { TokenSet } from '../sessions/sessions.js'
import type { AccountAnswer, ApplicationAnswer, FactorAnswer, ManagedAccountAnswer, SessionAnswer } from './schemas.js'

/** Returns an account as its owner sees it. */
export function accountAnswer(account: Account): AccountAnswer {
  const { id, email, name, role, roles, scope, locale, createdAt, emailVerifiedAt } = account
  return {
    id,
    email,
    email_verified: emailVerifiedAt !== null,
    name,
    role,
    roles: roles === '' ? [] : roles.split(' '),
    scope,
    profile: profileOf(account),
    locale,
    created_at: timeAnswer(createdAt),
  }
}

/** The answer to every request for an e-mail, whether or not the address has an account. */
export const acceptedAnswer = { message: 'If this address should get a letter, the letter is on its way.' }

/** Returns an account as administrators see it. */
export function managedAccountAnswer(account: Account): ManagedAccountAnswer {
  return {
    ...accountAnswer(account),
    last_login_at: account.signedInAt === null ? null : timeAnswer(account.signedInAt),
    disabled_at: account.disabledAt === null ? null : timeAnswer(account.disabledAt),
    second_factor: account.secondFactor !== 0,
    factor_reset_at: account.factorResetAt === null ? null : timeAnswer(account.factorResetAt),
  }
}

/** Returns tokens under the names of RFC 6749 §5.1. */
export function tokensAnswer(tokens: TokenSet) {
  return {
    access_token: tokens.accessToken,
    token_type: 'Bearer',
    expires_in: tokens.expiresInSec,
    refresh_token: tokens.refreshToken,
    refresh_expires_in: tokens.refreshExpiresInSec,
    session_id: tokens.sessionId,
  } as const
}

/** Returns the metadata of tokens in cookies, which no page can read. */
export function tokensInCookiesAnswer({ expiresInSec, refreshExpiresInSec, sessionId }: TokenSet) {
  return { expires_in: expiresInSec, refresh_expires_in: refreshExpiresInSec, session_id: sessionId }
}

/** Returns tokens with their account. */
export function signedInAnswer({ account, tokens, deviceToken }: SignedIn) {
  const device = deviceToken === undefined ? {} : { device_token: deviceToken }
  return { account: accountAnswer(account), ...tokensAnswer(tokens), ...device }
}

/** Returns a session; `currentId` is the session of the request. */
export function sessionAnswer(session: Session, currentId: string | undefined): SessionAnswer {
  return {
    id: session.id,
    current: session.id === currentId,
    created_at: timeAnswer(session.createdAt),
    last_used_at: timeAnswer(session.lastUsedAt),
    expires_at: timeAnswer(session.expiresAt),
    device: deviceName(session.userAgent),
    user_agent: session.userAgent,
    address: session.address,
    device_bound: session.device !== null,
    grace_uses: session.graceUses,
    grace_used_at: session.graceUsedAt === null ? null : timeAnswer(session.graceUsedAt),
    grace_address: session.graceAddress,
    amr: methodsIn(session.amr),
    acr: levelOf(methodsIn(session.amr)),
    auth_time: session.authenticatedAt === null ? null : timeAnswer(session.authenticatedAt),
    impersonated: session.impersonatedBy !== null,
  }
}

/** Returns a factor as its owner sees it. */
export function factorAnswer(factor: Factor): FactorAnswer {
  return {
    id: factor.id,
    kind: factor.kind,
    name: factor.name,
    created_at: timeAnswer(factor.createdAt),
    last_used_at: factor.lastUsedAt === null ? null : timeAnswer(factor.lastUsedAt),
    exposed: isExposed(factor),
  }
}

/** Returns an application as the owner of the account sees it. */
export function applicationAnswer(application: Application): ApplicationAnswer {
  return {
    id: application.id,
    audience: application.audience,
    first_used_at: timeAnswer(application.firstUsedAt),
    last_used_at: timeAnswer(application.lastUsedAt),
    sessions: [...application.sessionIds],
  }
}

/** Returns the factors of an account; never a secret. */
export function factorOverviewAnswer({ factors, recoveryCodes, trustedDevices }: FactorOverview) {
  return {
    factors: factors.map(factorAnswer),
    recovery_codes_left: recoveryCodes,
    trusted_devices: trustedDevices.map(({ name, userAgent, createdAt, expiresAt }) => ({
      name,
      device: deviceName(userAgent),
      created_at: timeAnswer(createdAt),
      expires_at: timeAnswer(expiresAt),
    })),
  }
}

/** Returns a time in the format of all answers: RFC 3339, UTC. */
export function timeAnswer(ms: number): string {
  return new Date(ms).toISOString()
}
