import { defineProblems } from '../problem.js'

/** Failures of requests before a route handles them, and of the server itself. */
export const httpFailures = defineProblems({
  validation_failed: {
    status: 400,
    message: 'The request does not have the shape that this route takes.',
    hint: 'See "errors" for each field, and /openapi.json for the whole shape.',
  },
  text_malformed: {
    status: 400,
    message: 'A text of the request holds a NUL character or half of a surrogate pair.',
    hint: 'Send well-formed Unicode without U+0000.',
  },
  body_malformed: {
    status: 400,
    message: 'The body cannot be parsed as what its content type says.',
    hint: 'Send one well-formed UTF-8 document, without members such as "__proto__".',
  },
  body_too_large: {
    status: 413,
    message: 'The body is larger than this server accepts.',
    hint: 'Send at most 64 KiB.',
  },
  unsupported_media_type: {
    status: 415,
    message: 'The body has a content type that this server does not read.',
    hint: 'Send "Content-Type: application/json".',
  },
  content_encoding_unsupported: {
    status: 415,
    message: 'The body is compressed, or encoded in another way that this server does not undo.',
    hint: 'Send it as it is, without "Content-Encoding".',
    headers: { 'Accept-Encoding': 'identity' },
  },
  request_malformed: {
    status: 400,
    message: 'This is not a well-formed HTTP request.',
    hint: 'Check the request line, the headers and the percent-encoding of the path.',
  },
  headers_too_large: {
    status: 431,
    message: 'The headers are larger than this server accepts.',
    hint: 'Send at most 16 KiB of headers.',
  },
  request_timeout: {
    status: 408,
    message: 'The request did not arrive in time.',
    hint: 'Send it again, whole.',
  },
  route_unknown: {
    status: 404,
    message: 'There is no such route.',
    hint: 'See /openapi.json for the routes.',
  },
  method_not_allowed: {
    status: 405,
    message: 'This route does not take that method.',
    hint: 'See the Allow header.',
  },
  parameters_malformed: {
    status: 400,
    message: 'A parameter that this endpoint needs is missing, or one is there twice.',
    hint: 'Send each parameter once (RFC 6749 §3.2); see /openapi.json for those that are needed.',
    oauthError: 'invalid_request',
  },
  internal_error: {
    status: 500,
    message: 'Something went wrong on our side.',
    hint: 'Retry; if it stays, tell the operator the request_id.',
  },
})
