import type { FastifyReply } from 'fastify'
import type { SecondStep } from '../accounts/second-step.js'
import { type Html, html } from '../html.js'
import type { App } from '../http/app.js'
import { isProblem } from '../problem.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie, type SessionCookies } from '../routes/session-cookies.js'
import { alertOf, field, submit } from './form-fields.js'
import { addFormPage, optional, required } from './form-page.js'
import { type FormState, freshForm } from './form-state.js'
import type { Page, PageView } from './page.js'
import type { Pages } from './pages.js'
import { passkeyBox } from './passkey-box.js'

const path = '/sign-in/second-factor'

interface SecondFactorDependencies {
  readonly pages: Pages
  readonly secondStep: SecondStep
  readonly cookies: SessionCookies
}

/** The parts of a page that may ask for the second step. */
export type AskingDependencies = Pick<SecondFactorDependencies, 'secondStep' | 'cookies'>

/** The fields that carry the challenge from the first step to the second one. */
const challengeRules = { challenge_token: required(64), methods: required(100), passkey_options: optional(16_384) }

/**
 * POST /sign-in/second-factor: completes a sign-in. The form is part of the answer to the first
 * step, because the challenge must be in no URL.
 */
export function addSecondFactorPage(app: App, { pages, secondStep, cookies }: SecondFactorDependencies): void {
  addFormPage(app, {
    path,
    config: { limit: 'login' },
    rules: { ...challengeRules, code: optional(16), recovery_code: optional(64), trust_device: optional(8) },
    faults: { second_factor_wrong: 'code' },
    open: (request, reply) => pages.open(request, reply),
    skip: async (page) => {
      page.redirect('/sign-in', { return_to: page.target()?.location })
      return true
    },
    show: (page, state) => secondFactorView(page, state, secondStep.offersTrust),
    submit: async (page, { challenge_token: challengeToken, code, recovery_code: recoveryCode, ...values }) => {
      const { request, reply } = page
      const answer =
        recoveryCode === undefined
          ? ({ method: 'totp', code: code ?? '' } as const)
          : ({ method: 'recovery_code', code: recoveryCode } as const)
      const [device] = cookiesOf(request, deviceCookie)
      const trustDevice = values.trust_device !== undefined
      cookies.set(reply, await secondStep.complete({ challengeToken, answer, trustDevice }, originOf(request), device))
      return page.leave()
    },
  })
}

/**
 * Shows the second step if the refusal of a login asks for one. Returns `undefined` for every other
 * error.
 */
export function askSecondFactor(
  page: Page,
  { secondStep, cookies }: AskingDependencies,
  error: unknown,
): FastifyReply | undefined {
  if (!isProblem(error) || error.code !== 'second_factor_required') return undefined
  const extensions: Readonly<Record<string, unknown>> = error.extensions ?? {}
  const { challenge_token: token, methods, passkey_options: options, device_token: device } = extensions
  if (typeof token !== 'string' || !Array.isArray(methods)) return undefined
  if (typeof device === 'string') cookies.setDevice(page.reply, device)
  const values = {
    challenge_token: token,
    methods: methods.join(' '),
    ...(options === undefined ? {} : { passkey_options: JSON.stringify(options) }),
  }
  return page.send(secondFactorView(page, { ...freshForm, values }, secondStep.offersTrust))
}

function secondFactorView(page: Page, state: FormState, offersTrust: boolean): PageView {
  const { t } = page
  const trust = trustField(page, offersTrust)
  const { methods = '', challenge_token: token = '', passkey_options: options } = state.values
  const has = (method: string) => methods.split(' ').includes(method)
  const target = page.target()
  const passkey =
    has('passkey') && options !== undefined
      ? passkeyBox(page, {
          use: 'second-factor',
          label: t('second-factor.passkey'),
          target: target?.location ?? page.href('/account'),
          challenge: { token, options },
          fields: trust,
        })
      : undefined
  const byRecovery = state.values.recovery_code !== undefined
  const faults = byRecovery ? { ...state, errors: moved(state.errors) } : state
  const code = has('totp') ? stepForm(page, faults, html`${codeField(page, faults)}${trust}`) : undefined
  const recovery = has('recovery_code')
    ? html`<details${byRecovery || !has('totp') ? html` open` : undefined}><summary>${t('second-factor.use-recovery-code')}</summary>
${stepForm(page, faults, html`${recoveryField(page, faults)}${trust}`)}</details>`
    : undefined
  const script = has('passkey') ? html`<noscript><p>${t('factors.passkey-script')}</p></noscript>` : undefined
  const main = html`${alertOf(faults)}${passkey}${script}${code}${recovery}`
  return { title: t('second-factor.title'), main, leadsTo: target?.origin }
}

/** The fault of a code is one of the recovery code where that one was sent. */
function moved({ code, ...errors }: FormState['errors']): FormState['errors'] {
  return code === undefined ? errors : { ...errors, recovery_code: code }
}

function stepForm(page: Page, { values }: FormState, content: Html): Html {
  const { t, href } = page
  const hidden = Object.keys(challengeRules).map((name) => {
    const value = values[name]
    return value === undefined ? undefined : html`<input type="hidden" name="${name}" value="${value}">`
  })
  const action = href(path, { return_to: page.target()?.location })
  return html`<form method="post" action="${action}">${hidden}${content}
${submit(t('second-factor.submit'))}</form>`
}

/** The choice to trust this device, where the setting allows it. */
function trustField({ t }: Page, offersTrust: boolean): Html | undefined {
  return offersTrust
    ? html`<label class="check"><input type="checkbox" name="trust_device" value="on">${t('second-factor.trust')}</label>`
    : undefined
}

function codeField(page: Page, state: FormState): Html {
  return field(page, state, {
    name: 'code',
    label: page.t('second-factor.code'),
    autocomplete: 'one-time-code',
    inputmode: 'numeric',
    autofocus: true,
    keeps: false,
  })
}

function recoveryField(page: Page, state: FormState): Html {
  return field(page, state, {
    name: 'recovery_code',
    label: page.t('second-factor.recovery-code'),
    autocomplete: 'off',
    hint: page.t('second-factor.recovery-hint'),
    keeps: false,
  })
}
