import type { Static } from 'typebox'
import type { AccountData } from '../accounts/own-data.js'
import { decodeDetail } from '../audit/audit-detail.js'
import { type AuditRecord, auditOutcomes } from '../audit/audit-record.js'
import { deviceName } from '../device-name.js'
import { Type } from '../http/type.js'
import { accountAnswer, applicationAnswer, factorAnswer, sessionAnswer, timeAnswer } from './answers.js'
import { Application } from './schemas.js'

const closed = { additionalProperties: false }
const time = Type.String({ format: 'date-time' })
const nullable = (description: string) => Type.Union([Type.String({ description }), Type.Null()])

const auditActors = ['you', 'operator', 'other', 'unknown'] as const

const AuditEntry = Type.Object(
  {
    at: time,
    event: Type.String(),
    outcome: Type.Enum([...auditOutcomes]),
    actor: Type.Enum([...auditActors], { description: 'The kind of the actor. Other accounts are not named.' }),
    session: nullable('The session that the event is about.'),
    address: nullable('The address of the request, unless another account has acted.'),
    detail: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()]),
  },
  closed,
)

const EndedSession = Type.Object(
  {
    session: Type.Ref('Session#'),
    ended_at: Type.Union([time, Type.Null()]),
    end_reason: nullable('Why it has ended.'),
  },
  closed,
)

/** The data of an account for its owner. */
export const ExportAnswer = Type.Object(
  {
    exported_at: time,
    account: Type.Ref('Account#'),
    last_login_at: Type.Union([time, Type.Null()]),
    factor_reset_at: Type.Union([time, Type.Null()]),
    sessions: Type.Array(EndedSession, { description: 'Also those that have ended, as long as they are stored.' }),
    factors: Type.Array(Type.Ref('Factor#')),
    recovery_codes_left: Type.Integer(),
    trusted_devices: Type.Array(
      Type.Object({ device: nullable('From the user agent.'), created_at: time, expires_at: time }, closed),
    ),
    applications: Type.Array(Application),
    invitations: Type.Array(
      Type.Object({ id: Type.String(), email: Type.String(), created_at: time, expires_at: time }, closed),
      { description: 'The pending ones that you have sent.' },
    ),
    letters: Type.Array(
      Type.Object({ kind: Type.String(), to: Type.String(), due_at: time, attempts: Type.Integer() }, closed),
      { description: 'E-mails to you that are not sent yet, without their links.' },
    ),
    letters_sent: Type.Array(Type.Object({ kind: Type.String(), at: time, outcome: Type.String() }, closed), {
      description: 'The records of e-mails about you of the last 90 days, newest first.',
    }),
    audit: Type.Array(AuditEntry, { description: 'Entries of the audit log about you, newest first.' }),
    audit_complete: Type.Boolean({ description: 'Whether these are all entries; there are at most about 10,000.' }),
  },
  closed,
)

/** Returns the data of an account; `currentId` is the session of the request. */
export function exportAnswer(
  data: AccountData,
  { currentId, nowMs }: { readonly currentId: string; readonly nowMs: number },
): Static<typeof ExportAnswer> {
  const { account, sessions, factors, recoveryCodes, trustedDevices, applications, invitations, letters, audit } = data
  const timeOrNull = (ms: number | null) => (ms === null ? null : timeAnswer(ms))
  return {
    exported_at: timeAnswer(nowMs),
    account: accountAnswer(account),
    last_login_at: timeOrNull(account.signedInAt),
    factor_reset_at: timeOrNull(account.factorResetAt),
    sessions: sessions.map((session) => ({
      session: sessionAnswer(session, currentId),
      ended_at: timeOrNull(session.endedAt),
      end_reason: session.endReason,
    })),
    factors: factors.map(factorAnswer),
    recovery_codes_left: recoveryCodes,
    trusted_devices: trustedDevices.map(({ userAgent, createdAt, expiresAt }) => ({
      device: deviceName(userAgent),
      created_at: timeAnswer(createdAt),
      expires_at: timeAnswer(expiresAt),
    })),
    applications: applications.map(applicationAnswer),
    invitations: invitations.map(({ id, email, createdAt, expiresAt }) => ({
      id,
      email,
      created_at: timeAnswer(createdAt),
      expires_at: timeAnswer(expiresAt),
    })),
    letters: letters.map(({ kind, to, dueAt, attempts }) => ({
      kind,
      to: to ?? account.email,
      due_at: timeAnswer(dueAt),
      attempts,
    })),
    letters_sent: data.lettersSent.map(({ kind, at, outcome }) => ({ kind, at: timeAnswer(at), outcome })),
    audit: audit.map((entry) => auditAnswer(entry, account.id)),
    audit_complete: data.auditIsComplete,
  }
}

function auditAnswer({ at, event, outcome, actor, session, address, detail }: AuditRecord, accountId: string) {
  const by = actor === accountId ? 'you' : actor === 'cli' ? 'operator' : actor === null ? 'unknown' : 'other'
  // The address of another person is theirs.
  const shown = by === 'other' || by === 'operator' ? null : address
  return {
    at: timeAnswer(at),
    event,
    outcome,
    actor: by,
    session,
    address: shown,
    detail: decodeDetail(detail),
  } as const
}
