# SPDX-License-Identifier: MIT
"""What the integration tests share: real processes, real servers, and the solver's wire protocol."""
