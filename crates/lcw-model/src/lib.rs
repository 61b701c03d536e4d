//! Entities of Lifecycle Workflows as Microsoft Graph sends them, borrowed from the response
