//! Reads Lifecycle Workflows from Microsoft Graph: credentials, rate limiting, retry, paging
