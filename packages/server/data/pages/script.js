/**
 * The script of the pages. Every page works without it, except for passkeys, which browsers offer
 * to scripts only.
 */

/**
 * Takes the token of a mailed link out of the fragment, which no server has received, and out of
 * the history. The form is sent only when its button is pressed.
 */
function fillFromLink() {
  const field = document.querySelector('[data-from-link]')
  if (field === null) return
  const input = field.querySelector('input')
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token !== undefined) {
    input.value = token
    history.replaceState(null, '', location.pathname + location.search)
  }
  field.hidden = input.value !== '' && !input.hasAttribute('aria-invalid')
  if (!field.hidden) return
  // The field with the focus may be the hidden one.
  document.querySelector('main form input:not([data-from-link] input)')?.focus()
}

/** Shows the button for passkeys, if the browser supports them. */
async function offerPasskeys() {
  const box = document.querySelector('[data-passkey]')
  if (box === null) return
  if (globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === undefined) {
    document.querySelector('[data-no-passkeys]')?.removeAttribute('hidden')
    return
  }
  box.hidden = false
  // A browser does not focus a hidden field.
  box.querySelector('[autofocus]')?.focus()
  if (box.dataset.passkey === 'sign-in') await offerSignIn(box)
  if (box.dataset.passkey === 'second-factor') onPress(box, () => completeSignIn(box))
  if (box.dataset.passkey === 'step-up') onPress(box, () => stepUp(box))
  if (box.dataset.passkey === 'add') onPress(box, () => addPasskey(box))
}

/** Signs in with a passkey: by the button, or by the suggestion in the field of the address. */
async function offerSignIn(box) {
  let waiting = new AbortController()
  const ask = async (mediation) => {
    waiting.abort()
    waiting = new AbortController()
    const { signal } = waiting
    const { challenge_token, options } = await call(box, '/passkeys/options', {})
    signal.throwIfAborted()
    const passkey = await shownPasskey(options, { mediation, signal })
    await call(box, '/passkeys/sign-in', { challenge_token, passkey })
    location.assign(box.dataset.target)
  }
  onPress(box, () => ask('optional'))
  if ((await PublicKeyCredential.isConditionalMediationAvailable?.()) !== true) return
  try {
    await ask('conditional')
  } catch (error) {
    // The user has chosen nothing, or has pressed the button.
    if (error instanceof Refusal) showProblem(box, error.message)
  }
}

/** Answers the second step of a sign-in. */
async function completeSignIn(box) {
  const passkey = await shownPasskey(JSON.parse(box.dataset.options))
  const trusts = box.querySelector('[name=trust_device]')?.checked === true
  const answer = { challenge_token: box.dataset.token, passkey, ...(trusts ? { trust_device: true } : {}) }
  await call(box, '/login/second-factor', answer)
  location.assign(box.dataset.target)
}

/** Authenticates again in this session. */
async function stepUp(box) {
  const { challenge_token, options } = await call(box, '/me/step-up/options', {})
  const passkey = await shownPasskey(options)
  await call(box, '/me/step-up', { challenge_token, passkey })
  location.assign(box.dataset.target)
}

/** Makes a passkey, and shows the recovery codes that come with the first one. */
async function addPasskey(box) {
  const { name } = box.closest('form').elements
  const { challenge_token, options } = await call(box, '/me/passkeys/options', {})
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const passkey = (await navigator.credentials.create({ publicKey })).toJSON()
  const named = name.value.trim() === '' ? {} : { name: name.value.trim() }
  const { recovery_codes: codes = [] } = await call(box, '/me/passkeys', { challenge_token, passkey, ...named })
  if (codes.length === 0) location.assign(box.dataset.target)
  else showCodes(box, codes)
}

function showCodes(box, codes) {
  const content = box.querySelector('template').content.cloneNode(true)
  const list = content.querySelector('ul')
  for (const code of codes) {
    const entry = document.createElement('li')
    entry.append(Object.assign(document.createElement('code'), { textContent: code }))
    list.append(entry)
  }
  box.closest('form').replaceWith(content)
  document.querySelector('main').focus()
}

/** Returns the answer of a passkey as JSON. */
async function shownPasskey(options, request = {}) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const passkey = await navigator.credentials.get({ publicKey, ...request })
  return passkey.toJSON()
}

/**
 * Calls `work` when the button of the box is pressed, or when its form is sent, and shows the
 * message if it fails.
 */
function onPress(box, work) {
  const button = box.querySelector('button')
  const { form } = button
  const source = form ?? button
  source.addEventListener(form === null ? 'click' : 'submit', async (event) => {
    event.preventDefault()
    box.querySelector('[role=alert]').hidden = true
    button.disabled = true
    try {
      await work()
    } catch (error) {
      const isCancelled = error.name === 'AbortError' || error.name === 'NotAllowedError'
      if (!isCancelled) showProblem(box, error instanceof Refusal ? error.message : 'passkey_refused')
    }
    button.disabled = false
  })
}

function showProblem(box, code) {
  // The page leads to the renewal of the session, or to the page that asks for the owner again.
  if (code === 'token_expired' || code === 'reissue_required') location.reload()
  else if (code === 'recent_authentication_required') {
    const here = location.pathname + location.search
    location.assign(`${box.dataset.stepUp}?return_to=${encodeURIComponent(here)}`)
  } else {
    const problems = JSON.parse(box.dataset.problems)
    const message = box.querySelector('[role=alert]')
    message.textContent = problems[code] ?? problems.general
    message.hidden = false
    message.focus()
  }
}

/** A refusal by the server; the message is its code. */
class Refusal extends Error {}

/** Calls the API in cookie mode. */
async function call({ dataset: { api } }, path, body) {
  const response = await fetch(api + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Latchkey-Mode': 'cookie' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Refusal(answer.code)
  return answer
}

fillFromLink()
// Another link of the same page, opened in this tab.
addEventListener('hashchange', fillFromLink)
await offerPasskeys()
