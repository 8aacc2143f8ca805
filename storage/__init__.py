from storage.ledger import Ledger

__all__ = ["Ledger"]
